"""AR706: loops that hammer a provider in trouble, or end without a word, beside those that wait, recover, or say so."""

from __future__ import annotations

import sys
import time
from collections.abc import AsyncIterator, Iterator
from typing import Any

import anthropic
import httpx
import httpx2
import openai
import requests
import tenacity

from tests.corpus_loops import labelled

CHAT = "https://api.openai.com/v1/chat/completions"
SORRY = "The assistant cannot be reached just now. Please try again in a few minutes."


def _body(question: str) -> dict[str, Any]:
    return {"model": "gpt-5.1", "messages": [{"role": "user", "content": question}]}


class AssistantUnavailable(Exception):
    """The model could not be asked; the message says why."""


# --- the fault: without a word -----------------------------------------------------------------------------------------


@labelled(AR706="failed")
def the_exception_of_the_sdk(question: str) -> str:
    answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    return answer.choices[0].message.content or ""


@labelled(AR706="failed")
def no_retries_and_no_word(question: str) -> str:
    response = httpx.post(CHAT, json=_body(question), timeout=30)
    response.raise_for_status()
    return str(response.json()["choices"][0]["message"]["content"])


@labelled(AR706="failed")
def the_body_of_an_error_has_no_choices(question: str) -> str:
    """A KeyError for a 429."""
    return str(requests.post(CHAT, json=_body(question), timeout=30).json()["choices"][0]["message"]["content"])


@labelled(AR706="failed")
def an_empty_answer(question: str) -> str:
    try:
        answer = anthropic.Anthropic().messages.create(
            model="claude-sonnet-4-6", max_tokens=500, messages=[{"role": "user", "content": question}]
        )
    except anthropic.APIError:
        return ""
    return "".join(block.text for block in answer.content if block.type == "text")


@labelled(AR706="failed")
def it_waits_for_ever(question: str) -> str:
    """A failure is told, and silence is waited for."""
    response = requests.post(CHAT, json=_body(question))
    if not response.ok:
        return SORRY
    return str(response.json()["choices"][0]["message"]["content"])


@labelled(AR706="failed")
async def only_the_limit_of_the_rate_is_caught(question: str) -> AsyncIterator[str]:
    client = openai.AsyncOpenAI()
    try:
        stream = await client.chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}], stream=True)
        async for chunk in stream:
            yield chunk.choices[0].delta.content or "" if chunk.choices else ""
    except openai.RateLimitError:
        yield SORRY


@labelled(AR706="failed")
def the_reraised_exception(question: str) -> str:
    try:
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    except openai.APIError as failure:
        print(f"the model failed: {failure}", file=sys.stderr)
        raise
    return answer.choices[0].message.content or ""


# --- the fault: hammered -----------------------------------------------------------------------------------------------


@labelled(AR706="failed")
def again_without_end(question: str) -> str:
    client = anthropic.Anthropic()
    while True:
        try:
            answer = client.messages.create(
                model="claude-sonnet-4-6", max_tokens=500, messages=[{"role": "user", "content": question}], timeout=20
            )
            return "".join(block.text for block in answer.content if block.type == "text")
        except anthropic.APIError:
            time.sleep(5)


@labelled(AR706="failed")
def ten_times_at_once(question: str) -> str:
    client = openai.OpenAI(max_retries=0)
    for _ in range(10):
        try:
            answer = client.chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}], timeout=20)
            return answer.choices[0].message.content or ""
        except openai.APIError:
            continue
    return SORRY


@labelled(AR706="failed")
def against_retry_after(question: str) -> str:
    """Three attempts a second apart, whatever the provider says."""
    for _ in range(3):
        response = httpx.post(CHAT, json=_body(question), timeout=30)
        if response.is_success:
            return str(response.json()["choices"][0]["message"]["content"])
        time.sleep(1)
    return SORRY


# --- look-alikes -------------------------------------------------------------------------------------------------------


@labelled(AR706="passed")
def a_word_behind_the_sdk(question: str) -> str:
    try:
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    except openai.APIError:
        return SORRY
    return answer.choices[0].message.content or ""


@labelled(AR706="passed")
async def an_exception_of_its_own(question: str) -> str:
    client = anthropic.AsyncAnthropic()
    try:
        answer = await client.messages.create(
            model="claude-sonnet-4-6", max_tokens=500, messages=[{"role": "user", "content": question}], timeout=30
        )
    except anthropic.APIError as failure:
        raise AssistantUnavailable(f"the provider of the model does not answer ({type(failure).__name__})") from failure
    return "".join(block.text for block in answer.content if block.type == "text")


@labelled(AR706="passed")
def pauses_that_grow_around_the_sdk(question: str) -> str:
    """As the providers' own guides have it."""

    @tenacity.retry(wait=tenacity.wait_exponential(min=1, max=60), stop=tenacity.stop_after_attempt(4), reraise=True)
    def asked() -> str:
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}], timeout=30)
        return answer.choices[0].message.content or ""

    try:
        return asked()
    except openai.APIError:
        return SORRY


@labelled(AR706="passed")
def it_heeds_retry_after_by_itself(question: str) -> dict[str, str]:
    for attempt in range(3):
        try:
            response = requests.post(CHAT, json=_body(question), timeout=30)
        except requests.RequestException:
            continue
        if response.ok:
            return {"answer": response.json()["choices"][0]["message"]["content"]}
        time.sleep(float(response.headers.get("retry-after", 2**attempt)))
    return {"error": "The model's provider is down."}


@labelled(AR706="passed")
def it_gives_up_at_once_and_says_so(question: str) -> None:
    """A program that prints."""
    try:
        answer: Any = httpx.post(CHAT, json=_body(question), timeout=30).raise_for_status().json()
    except httpx.HTTPError as failure:
        print(f"Sorry, the model cannot be reached: {failure}")
        return
    print(answer["choices"][0]["message"]["content"])


@labelled(AR706="passed")
def it_asks_again_and_prints(question: str) -> None:
    """What it prints when the model has come back is what it prints in any case."""
    client = anthropic.Anthropic(max_retries=2)
    print("Thinking ...")
    try:
        answer = client.messages.create(model="claude-sonnet-5", max_tokens=500, messages=[{"role": "user", "content": question}])
    except anthropic.AnthropicError:
        print(SORRY)
        return
    for block in answer.content:
        if block.type == "text":
            print(f"assistant> {block.text}")


@labelled(AR706="failed")
def it_prints_the_same_for_nothing(question: str) -> None:
    """The frame around an answer is none."""
    print("Thinking ...")
    try:
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
        print(answer.choices[0].message.content)
    except openai.OpenAIError:
        pass
    print("------------")


@labelled(AR706="passed")
def another_model_in_its_place(question: str) -> str:
    """Each model is asked by the SDK's own rules, and the next one at once."""
    client = openai.OpenAI()
    for model in ("gpt-5.1", "gpt-5.1-mini", "gpt-4.1"):
        try:
            answer = client.chat.completions.create(model=model, messages=[{"role": "user", "content": question}], timeout=30)
            return answer.choices[0].message.content or ""
        except openai.APIError:
            continue
    return SORRY


@labelled(AR706="passed")
def a_program_that_ends_with_a_reason(question: str) -> str:
    try:
        answer = openai.OpenAI().chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
    except openai.APIError as failure:
        sys.exit(f"The model cannot be reached: {failure}")
    return answer.choices[0].message.content or ""


# --- streams that break off in the middle of a text ----------------------------------------------------------------------


@labelled(AR706="failed")
def the_exception_of_the_http_client_behind_a_stream(question: str) -> Iterator[str]:
    """anthropic's SDK wraps what its HTTP client raises for a request, and not what it raises while an answer is streamed."""
    try:
        with anthropic.Anthropic().messages.stream(
            model="claude-sonnet-4-6", max_tokens=500, messages=[{"role": "user", "content": question}]
        ) as stream:
            yield from stream.text_stream
    except anthropic.APIError:
        yield SORRY


@labelled(AR706="failed")
def the_stream_is_begun_anew_without_end(question: str) -> str:
    """A provider that refuses is told of; one whose streams break off is asked for ever."""
    client = openai.OpenAI(timeout=30)
    while True:
        try:
            stream = client.chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}], stream=True)
        except openai.APIError:
            return SORRY
        parts: list[str] = []
        try:
            for chunk in stream:
                parts += [choice.delta.content or "" for choice in chunk.choices]
        except openai.APIError:
            continue
        return "".join(parts)


@labelled(AR706="failed")
def lines_of_a_stream_without_a_timeout(question: str) -> str:
    """Silence at its beginning is bounded, and none behind it."""
    try:
        body = {**_body(question), "stream": True}
        with httpx.stream("POST", CHAT, json=body, timeout=httpx.Timeout(30, read=None)) as response:
            if response.is_error:
                return SORRY
            return "".join(line for line in response.iter_lines() if line.startswith("data: "))
    except httpx.HTTPError:
        return SORRY


@labelled(AR706="passed")
def every_exception_around_the_whole_stream(question: str) -> Iterator[str]:
    try:
        with anthropic.Anthropic(timeout=60).messages.stream(
            model="claude-sonnet-4-6", max_tokens=500, messages=[{"role": "user", "content": question}]
        ) as stream:
            yield from stream.text_stream
    except (anthropic.APIError, httpx2.HTTPError):
        yield f"\n\n{SORRY}"


@labelled(AR706="passed")
async def a_word_behind_a_broken_stream(question: str) -> AsyncIterator[str]:
    """openai's SDK wraps both."""
    client = openai.AsyncOpenAI(timeout=60)
    try:
        stream = await client.chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}], stream=True)
        async for chunk in stream:
            for choice in chunk.choices:
                yield choice.delta.content or ""
    except openai.APIError:
        yield f"\n\n{SORRY}"


@labelled(AR706="passed")
def in_one_piece_where_the_stream_broke_off(question: str) -> str:
    client = openai.OpenAI(timeout=60)
    messages: list[Any] = [{"role": "user", "content": question}]
    try:
        try:
            stream = client.chat.completions.create(model="gpt-5.1", messages=messages, stream=True)
            return "".join(choice.delta.content or "" for chunk in stream for choice in chunk.choices)
        except openai.APIConnectionError:
            return client.chat.completions.create(model="gpt-5.1", messages=messages).choices[0].message.content or ""
    except openai.APIError:
        return SORRY


# --- loops that ask more than once in good health --------------------------------------------------------------------------


def _asked(messages: list[dict[str, str]]) -> str:
    """Up to six attempts, of which the first three come too soon."""
    for attempt in range(6):
        response = requests.post(CHAT, json={"model": "gpt-5.1", "messages": messages}, timeout=30)
        if response.ok:
            return str(response.json()["choices"][0]["message"]["content"])
        time.sleep(max(4, 2**attempt))
    raise AssistantUnavailable("the model's provider does not answer")


@labelled(AR706="failed")
def asked_until_its_form_is_right_and_too_soon(question: str) -> str:
    """It asks three times in good health, each time with one more message; that is no reason to ask a busy provider sooner."""
    messages = [{"role": "user", "content": question}]
    for _ in range(3):
        answer = _asked(messages)
        if answer.startswith("ANSWER:"):
            return answer
        messages += [{"role": "assistant", "content": answer}, {"role": "user", "content": "Begin with ANSWER:, please."}]
    return answer


@labelled(AR706="passed")
def three_answers_to_choose_from(question: str) -> str:
    """The very same is asked three times in a row, in good health and else."""
    client = openai.OpenAI(timeout=60)
    answers: list[str] = []
    for _ in range(3):
        try:
            answer = client.chat.completions.create(model="gpt-5.1", messages=[{"role": "user", "content": question}])
        except openai.APIError:
            continue
        answers.append(answer.choices[0].message.content or "")
    return max(answers, key=answers.count) if answers else SORRY
