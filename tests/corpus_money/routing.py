"""AR609: loops with several models, beside those with one. What they spend is no matter here."""

from __future__ import annotations

import anthropic
import openai

from tests.corpus_money import routed


@routed(AR609="failed")
def only_long_questions_are_worth_saving(question: str) -> str:
    model = "gpt-5-nano" if len(question) > 1_000 else "gpt-5.1"
    answer = openai.OpenAI().chat.completions.create(model=model, messages=[{"role": "user", "content": question}])
    return answer.choices[0].message.content or ""


@routed(AR609="failed")
async def the_cheap_one_for_letters_alone(question: str) -> str:
    model = "claude-haiku-4-5" if "letter" in question else "claude-sonnet-4-6"
    answer = await anthropic.AsyncAnthropic().messages.create(model=model, max_tokens=500, messages=[{"role": "user", "content": question}])
    return "".join(block.text for block in answer.content if block.type == "text")


@routed(AR609="passed")
def by_how_much_is_asked(question: str) -> str:
    model = "gpt-5.1" if len(question.split()) > 40 else "gpt-5-nano"
    return openai.OpenAI().responses.create(model=model, input=question).output_text


@routed(AR609="not_applicable")
def one_model_for_all(question: str) -> str:
    return openai.OpenAI().responses.create(model="gpt-5.1", input=question).output_text


@routed(AR609="unproven")
def a_model_chooses_the_model(question: str) -> str:
    """What the small one says is scripted: which one a real one would choose is not known."""
    client = openai.OpenAI()
    choice = client.responses.create(model="gpt-5-nano", input=f"Is this SIMPLE or COMPLEX? {question}").output_text
    model = "gpt-5-nano" if "SIMPLE" in choice else "gpt-5.1"
    return client.responses.create(model=model, input=question).output_text
