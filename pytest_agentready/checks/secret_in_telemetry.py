"""A key, a password or somebody's address stands in a span or a log, where many can read it, and nobody looks for it.

Telemetry goes to other houses, is kept for months, and is open to everybody who is on duty: a key that stands there is known, and has to
be changed. It seldom gets there on purpose. A client's exception quotes the URL, and the URL the key; a span is given all arguments of a
call, or all headers of a request; a library writes each address that it asks at INFO.

What is looked for are the credentials that the peers saw (in headers, cookies, URLs, bodies and log-ins), those that the environment holds,
arguments by a name such as `password`, passwords in addresses, and e-mail addresses, telephone, card and account numbers in the arguments
of tools and in the user's text. It is looked for in normal runs and in failing ones: in the names, attributes, events and statuses of
spans, in the attributes of metrics, and in the lines of logs from INFO on, as the project's own handlers write them.

A credential may stand nowhere. A personal datum may stand in what is opt-in content by the conventions, for whoever turns that on has
thought of it: the arguments and the result of a call (`tool.args`, `gen_ai.tool.call.arguments`, `input.value`), the messages of a prompt
(`gen_ai.input.messages`), events of these; and in an id (`user.id`, `enduser.id`, `session.id`), where a user is known by his address.
It is a finding in any other attribute (`url.full`, or `user.email`, which `user.hash` stands in for), in a name, in an exception's text,
and in a log. A line of a library that the present level holds back counts for credentials alone: no project asks for all that its
libraries say.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, field

from pytest_agentready.domain import (
    SWITCHED_OFF,
    AnySubject,
    Check,
    Confidences,
    FaultMatrix,
    Finding,
    Judgement,
    NormalCall,
    NormalConversation,
    NotApplicable,
    Run,
    Secret,
    Severity,
    Unproven,
    credentials,
    listed,
    mask,
    personal_data,
    secrets,
    some_of,
)
from pytest_agentready.telemetry.sayings import Saying, sayings

check = Check(
    id="AR806",
    title="A key, a password or a personal datum stands in a span, a metric or a log",
    severity=Severity.HIGH,
    profile="standard",
    about=("tool", "loop"),
    fix=(
        "Write down what you need to know and no more: a name, a status, an id. Where arguments or headers are told, leave out what is "
        'secret there: `{name: "***" if name in SECRET else value for name, value in arguments.items()}`.'
    ),
    since="0.1",
)

SILENT = "it tells nothing of its own: no span, no metric, and no line of a log at INFO or above"
NOTHING = (
    "nothing secret or personal comes its way: no key in its environment or its requests, and no e-mail address or the like in its "
    "arguments"
)
OF_EXCEPTIONS = (
    "Leave the exception's own text out, for it quotes the request: log what failed in your own words, and where a span is told, open it "
    "with `record_exception=False, set_status_on_exception=False` and set `error.type` to the exception's class."
)
OF_URLS = (
    "Send it in a header or in the body, and not in the URL, which every client, proxy and instrumentation writes down, and every "
    "exception quotes: leave the text of an exception out of what you tell."
)
OF_ADDRESSES = (
    "Leave the address out, or show it without its password: `repr(engine.url)` of SQLAlchemy does so, and "
    "`yarl.URL(dsn).with_password(None)`."
)
OF_LIBRARIES = (
    'Send it in a header, and not in the URL; or hold the library back: `logging.getLogger("{logger}").setLevel(logging.WARNING)`.'
)
OF_PEOPLE = (
    "Tell an id in its place, or a hash: `user.hash` is OpenTelemetry's own attribute for that. Where it is needed to understand a call, "
    "it belongs into that call's arguments (`gen_ai.tool.call.arguments`), which are told only where somebody has turned that on."
)


@dataclass
class _Leak:
    """What gets out by one line of the user's code."""

    personal: bool
    secrets: dict[Secret, None] = field(default_factory=dict)  # an ordered set
    sayings: dict[str, Saying] = field(default_factory=dict)  # by place
    runs: int = 0

    @property
    def what(self) -> str:
        several = len(self.secrets) > 1
        return listed(f"{each.masked}{f' ({each.origin})' if several else f', {each.origin},'}" for each in self.secrets)


@check
def judge(
    subject: AnySubject,
    warm_up: NormalCall | NormalConversation,
    in_trouble: FaultMatrix | Confidences,
    held_secrets: tuple[Secret, ...],
) -> Iterable[Judgement]:
    runs = [*_runs_of(warm_up), *in_trouble.runs]
    if warm_up.obstacle:
        yield Unproven(warm_up.obstacle)
        return
    disabled = any(run.telemetry.disabled for run in runs)
    told = [[*sayings(run.telemetry)] for run in runs]
    if not any(told):
        yield Unproven(SWITCHED_OFF) if disabled else NotApplicable(SILENT)
        return
    texts = dict.fromkeys(saying.text for each in told for saying in each if "://" in saying.text or "=" in saying.text)
    shown = secrets.shown(texts, [run.arguments for run in runs])
    known = credentials(runs, held_secrets)
    known = (*known, *(each for each in shown if not any(other.value in each.value for other in known)))
    people = [each for each in personal_data(runs) if not any(each.is_in(other.value) for other in known)]
    if not known and not people:
        yield NotApplicable(NOTHING)
        return
    leaks = _leaks(told, known, people)
    for leak in leaks:
        yield _finding(subject, leak, len(runs), (*known, *people))
    if not leaks and disabled:
        yield Unproven(SWITCHED_OFF)
    elif not leaks and all(_is_by_the_way(saying) for each in told for saying in each):
        yield NotApplicable(SILENT)


def _runs_of(warm_up: NormalCall | NormalConversation) -> list[Run]:
    if isinstance(warm_up, NormalCall):
        return [*warm_up.unconfirmed, *warm_up.runs]
    return [turn.run for each in (warm_up.plain, *(trial.conversation for trial in warm_up.tools)) for turn in each.turns]


def _leaks(told: Iterable[list[Saying]], known: Iterable[Secret], people: Iterable[Secret]) -> Collection[_Leak]:
    found: dict[tuple[str, bool], _Leak] = {}
    for said in told:
        all_of_it = "\n".join(saying.text for saying in said)
        met = set()
        for secret, personal in [*((each, False) for each in known), *((each, True) for each in people)]:
            for saying in said if secret.is_in(all_of_it) else ():
                if secret.is_in(saying.text) and not (personal and _is_permitted(saying)):
                    leak = found.setdefault((saying.where, personal), _Leak(personal))
                    leak.secrets.setdefault(secret)
                    leak.sayings.setdefault(saying.place, saying)
                    met.add((saying.where, personal))
        for each in met:
            found[each].runs += 1
    return found.values()


def _is_permitted(saying: Saying) -> bool:
    """Of a personal datum."""
    return saying.content or saying.identifies or _is_by_the_way(saying)


def _is_by_the_way(saying: Saying) -> bool:
    """A line of a library that the present level holds back is none of what the project tells."""
    return saying.line is not None and saying.line.by_library and saying.line.held_back


def _finding(subject: AnySubject, leak: _Leak, runs: int, all_known: Collection[Secret]) -> Finding:
    places = [mask(place, all_known) for place in leak.sayings]
    first = next(iter(leak.sayings.values()))
    often = f", in {'all' if leak.runs == runs else f'{leak.runs} of'} {runs} runs" if runs > 1 else ""
    back = all(one.line is not None and one.line.held_back for one in leak.sayings.values())
    held_back = " (held back by the present level; at INFO it comes out)" if back else ""
    stands, it = ("stand", "them") if len(leak.secrets) > 1 else ("stands", "it")
    return Finding(
        f"{leak.what} {stands} in {some_of(places, separator=', in ')}{often}{held_back}: "
        f"all who may read that can {'see' if leak.personal else 'use'} {it}",
        where=first.where or subject.source,
        evidence={"places": places, "excerpt": _excerpt(leak, first.text, all_known)},
        fix=_fix(leak, first),
    )


def _fix(leak: _Leak, first: Saying) -> str:
    line, origin = first.line, next(iter(leak.secrets)).origin
    if line is not None and line.by_library:
        return OF_LIBRARIES.format(logger=line.logger)
    if first.kind == "exception" or "Traceback (most recent call last)" in first.text:
        return OF_EXCEPTIONS
    if leak.personal:
        return OF_PEOPLE
    if origin.startswith(("the password in an address", "the password in the environment", "the password of a connection")):
        return OF_ADDRESSES
    return OF_URLS if origin.startswith(("the query parameter", "the path of the address")) else ""


def _excerpt(leak: _Leak, text: str, all_known: Collection[Secret]) -> str:
    """Some words before and behind the first of them."""
    shown = mask(text, all_known)
    place = next((found for secret in leak.secrets if (found := shown.find(secret.masked)) >= 0), 0)
    return shown[max(0, place - 60) : place + 60]


WEATHER = {"GET https://weather.example.com/v1/forecast": {"celsius": 7}}


@check.passes(args={"city": "Oslo"}, backend=WEATHER)
def with_a_sentence_of_its_own(city: str) -> dict[str, object]:
    import logging

    import requests

    try:
        headers = {"X-API-Key": "4f1c9a7be2d84c03"}
        response = requests.get("https://weather.example.com/v1/forecast", {"q": city}, headers=headers, timeout=5)
        response.raise_for_status()
        return {"status": "success", "data": response.json()["celsius"]}
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        logging.getLogger("weather").warning("no forecast: %s", type(error).__name__)
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "There is no forecast at the moment."}


@check.fails(args={"city": "Oslo"}, backend=WEATHER)
def with_the_exceptions_text_in_the_log(city: str) -> dict[str, object]:
    import logging

    import requests

    try:
        response = requests.get("https://weather.example.com/v1/forecast", {"q": city, "api_key": "4f1c9a7be2d84c03"}, timeout=5)
        response.raise_for_status()
        return {"status": "success", "data": response.json()["celsius"]}
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        logging.getLogger("weather").warning("no forecast: %s", error)
        return {"status": "error", "error_type": "transient", "retry_safe": True, "message": "There is no forecast at the moment."}
