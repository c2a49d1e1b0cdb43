"""The support bot: it asks the model, does what the model says, and asks again."""

import asyncio
import inspect
import json

from openai import OpenAI

from support_bot import tools

SYSTEM = """You are the support bot of the Example Shop. Help the customer with orders, deliveries, refunds and mails.
Look things up before you answer. Never promise a date that the order system does not give."""

ORDER = {"order_id": {"type": "string"}}
TOOLS = {
    "get_order_status": ("Look up the status of an order.", ORDER),
    "get_delivery_status": ("Where an order's parcel is.", ORDER),
    "search_knowledge_base": ("Find help articles for a customer's question.", {"query": {"type": "string"}}),
    "send_email": ("Send an email to a customer.", {name: {"type": "string"} for name in ("to", "subject", "body")}),
    "refund_order": ("Pay money back to a customer.", {**ORDER, "cents": {"type": "integer"}}),
}


def answer(message: str) -> str:
    """Answer a customer."""
    client = OpenAI()
    messages = [{"role": "system", "content": SYSTEM}, {"role": "user", "content": message}]
    while True:
        response = client.chat.completions.create(model="gpt-4o", messages=messages, tools=schemas())
        reply = response.choices[0].message
        messages.append(reply)
        if not reply.tool_calls:
            return reply.content
        for call in reply.tool_calls:
            tool = getattr(tools, call.function.name)
            result = tool(**json.loads(call.function.arguments))
            if inspect.isawaitable(result):
                result = asyncio.run(result)
            messages.append({"role": "tool", "tool_call_id": call.id, "content": json.dumps(result)})


def schemas() -> list[dict]:
    return [
        {
            "type": "function",
            "function": {
                "name": name,
                "description": description,
                "parameters": {"type": "object", "properties": parameters, "required": list(parameters)},
            },
        }
        for name, (description, parameters) in TOOLS.items()
    ]
