"""The dearest model answers what the cheapest one could.

"Hi!" and "thanks" are a large part of what users write. A loop that has several models, and sends these to the dearest, pays ten times
and more for each of them.

The user says "Hi!", and asks something that takes some thought. Where the loop is seen to have several models, the trivial question is
not to be answered by the dearest of them.
"""

from __future__ import annotations

from collections.abc import Iterable

from pytest_agentready.domain import Check, Finding, Judgement, Loop, NotApplicable, RoutedPrompts, Severity, Unproven, listed

check = Check(
    id="AR609",
    title="The dearest model answers trivial questions",
    severity=Severity.LOW,
    profile="strict",
    about="loop",
    fix="Choose the model by what is asked, by its length or by rules, and begin with the cheapest that will do.",
    since="0.1",
)


@check
def judge(loop: Loop, routed_prompts: RoutedPrompts) -> Iterable[Judgement]:
    prices = routed_prompts.prices
    if len(prices) < 2:
        yield NotApplicable(f"it asks one model alone: {listed(tuple(prices))}")
        return
    if unpriced := [model for model, price in prices.items() if price is None]:
        yield Unproven(f"nobody knows what {listed(tuple(unpriced))} costs: give prices= in the marker")
        return
    by_price = sorted(prices, key=lambda model: prices[model] or 0)
    asked = [call.model for call in routed_prompts.trivial.model_calls]
    if by_price[-1] not in asked or prices[by_price[-1]] == prices[by_price[0]]:
        return
    if len({*asked}) > 1:
        yield Unproven(f"{listed(tuple(dict.fromkeys(asked)))} are asked about a trivial question: one may choose the other")
    else:
        where = routed_prompts.trivial.model_calls[0].where or loop.source
        yield Finding(f'"Hi!" is answered by {by_price[-1]}, the dearest of its models, and not by {by_price[0]}', where=where)


@check.passes(prices={"gpt-5.1": {"input": 1.25, "output": 10}, "gpt-5-nano": {"input": 0.05, "output": 0.4}})
def by_length(question: str) -> str:
    import openai

    model = "gpt-5.1" if len(question) > 400 else "gpt-5-nano"
    with openai.OpenAI() as client:
        return client.responses.create(model=model, input=question).output_text


@check.fails(prices={"gpt-5.1": {"input": 1.25, "output": 10}, "gpt-5-nano": {"input": 0.05, "output": 0.4}})
def by_length_the_wrong_way_round(question: str) -> str:
    import openai

    model = "gpt-5.1" if len(question) < 400 else "gpt-5-nano"
    with openai.OpenAI() as client:
        return client.responses.create(model=model, input=question).output_text
