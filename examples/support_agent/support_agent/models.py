"""What the services answer, as far as the agent needs it."""

from pydantic import BaseModel, field_validator


class Order(BaseModel):
    id: str
    status: str


class Delivery(BaseModel):
    status: str


class Article(BaseModel):
    id: int
    title: str
    url: str


class SearchResult(BaseModel):
    hits: list[Article]

    @field_validator("hits")
    @classmethod
    def in_a_stable_order(cls, hits: list[Article]) -> list[Article]:
        """Each replica ranks a little differently, and the model's answer depends on what comes first."""
        return sorted(hits, key=lambda article: article.id)


class Receipt(BaseModel):
    message_id: str


class Refund(BaseModel):
    refund_id: str
