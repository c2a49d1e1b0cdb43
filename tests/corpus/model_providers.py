"""Tools that ask a model of their own: the providers' clients retry by themselves, and do it well."""

from __future__ import annotations

import anthropic
import openai

from pytest_agentready.patterns.results import ToolResult

from . import labelled
from .classify import from_status, unreadable

CHAT = {
    "id": "chat-1",
    "object": "chat.completion",
    "created": 1,
    "model": "gpt-5",
    "choices": [{"index": 0, "finish_reason": "stop", "message": {"role": "assistant", "content": "It is about tea."}}],
    "usage": {"prompt_tokens": 9, "completion_tokens": 5, "total_tokens": 14},
}
MESSAGE = {
    "id": "msg-1",
    "type": "message",
    "role": "assistant",
    "model": "claude-sonnet-5",
    "content": [{"type": "text", "text": "It is about tea."}],
    "stop_reason": "end_turn",
    "stop_sequence": None,
    "usage": {"input_tokens": 9, "output_tokens": 5},
}


@labelled(
    args={"text": "Tea is a drink."},
    backend={"POST https://api.openai.com/v1/chat/completions": CHAT},
    AR203="failed",  # it waits as long as Retry-After says, which is right, and too long for a user
    AR205="passed",
)
def summary_by_openai(text: str) -> ToolResult:
    """A text in one sentence."""
    try:
        with openai.OpenAI(api_key="sk-proj-5EcReT0fTheCorpus", timeout=1) as client:
            answer = client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": f"Sum up: {text}"}])
        return ToolResult.success(answer.choices[0].message.content)
    except openai.APIStatusError as error:
        return from_status(error.status_code)
    except openai.APIConnectionError:
        return ToolResult.transient("The model could not be reached.")
    except (openai.OpenAIError, ValueError, AttributeError, TypeError, IndexError):
        return unreadable()


@labelled(
    args={"text": "Tea is a drink."},
    backend={"POST https://api.anthropic.com/v1/messages": MESSAGE},
    AR203="failed",
    AR205="passed",
)
async def summary_by_anthropic(text: str) -> ToolResult:
    """A text in one sentence."""
    try:
        async with anthropic.AsyncAnthropic(api_key="sk-ant-5EcReT0fTheCorpus", timeout=1) as client:
            answer = await client.messages.create(
                model="claude-sonnet-5", max_tokens=100, messages=[{"role": "user", "content": f"Sum up: {text}"}]
            )
        return ToolResult.success(answer.content[0].text)  # type: ignore[union-attr]
    except anthropic.APIStatusError as error:
        return from_status(error.status_code)
    except anthropic.APIConnectionError:
        return ToolResult.transient("The model could not be reached.")
    except (anthropic.AnthropicError, ValueError, AttributeError, TypeError, IndexError):
        return unreadable()


@labelled(
    args={"question": "Who runs billing?"},
    backend={"POST https://api.openai.com/v1/chat/completions": CHAT},
    AR203="failed",
    AR205="failed",  # its own loop in the place of the client's, nine times in a row
)
def ask_expert(question: str) -> ToolResult:
    """Ask the model of the help desk."""
    client = openai.OpenAI(api_key="sk-proj-5EcReT0fTheCorpus", timeout=1, max_retries=0)
    failure = unreadable()
    with client:
        for _ in range(9):
            try:
                answer = client.chat.completions.create(model="gpt-5", messages=[{"role": "user", "content": question}])
                return ToolResult.success(answer.choices[0].message.content)
            except openai.APIStatusError as error:
                failure = from_status(error.status_code)
            except openai.APIConnectionError:
                failure = ToolResult.transient("The model could not be reached.")
            except (openai.OpenAIError, ValueError, AttributeError, TypeError, IndexError):
                return unreadable()
    return failure
