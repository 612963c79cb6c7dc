"""Orders of a course's materials: given by a form, and the page on which one waits for its own."""

from __future__ import annotations

from urllib.parse import urlencode

from hub import orders
from hub.enums import OrderState, Source
from hub.orders import Order, Wish
from hub.web.materials import Filled, MaterialsHandler, order_told
from spawner.errors import CarrelError, Code

SOURCES = {Source.SESSION: "path", Source.GIT: "address"}
"""What can be ordered; the form's field for where it is."""


class GiveOrder(MaterialsHandler):
    """``POST /courses/<slug>/materials/order``"""

    async def get(self, slug: str) -> None:
        """A page that was reloaded after a form was mended."""
        seen = await self.managed(slug)
        self.redirect(self.materials(seen.course), status=303)

    async def post(self, slug: str) -> None:
        try:
            order = await self.act(orders.order, slug, self._wish())
        except CarrelError as error:
            if self.wants_json or error.code not in (Code.BAD_INPUT, Code.CONFLICT):
                raise
            self.set_status(error.code.value)
            await self.show_materials(await self.managed(slug), self._filled(error))
            return
        if self.wants_json:
            self.finish(order_told(order))
        else:
            where = f"{self.prefix}courses/{order.course}/materials/orders/{order.id}"
            self.redirect(where, status=303)

    def _source(self) -> Source:
        for source in SOURCES:
            if source.value == self.text("source"):
                return source
        raise CarrelError(
            Code.BAD_INPUT, "Nothing can be published from there.", "Use the page's own forms."
        )

    def _wish(self) -> Wish:
        source = self._source()
        branch = self.text("branch").strip() if source is Source.GIT else ""
        return Wish(
            source, self.text(SOURCES[source]), branch, self.text("message"),
            bool(self.text("adds")),
        )  # fmt: skip

    def _filled(self, problem: CarrelError) -> Filled:
        return Filled(
            self.text("source", 20), self.text("path", 2000), self.text("address", 2000),
            self.text("branch", 300), self.text("message", 2000), bool(self.text("adds")), problem,
        )  # fmt: skip


class OrderPage(MaterialsHandler):
    """``GET /courses/<slug>/materials/orders/<id>``; what came of it is another page."""

    async def get(self, slug: str, id_: str) -> None:
        order = await self.read(orders.find, self.actor, slug, id_)
        seen = await self.managed(slug)
        if self.wants_json:
            self.finish(order_told(order))
        elif order.state is OrderState.READY:
            self.redirect(self.materials(seen.course, f"/intakes/{order.intake}"), status=303)
        else:
            self.page(
                "materials_order.html", order=order, course=seen.course,
                where=self.materials(seen.course),
                again=f"{self.materials(seen.course)}?{_again(order)}",
            )  # fmt: skip


def _again(order: Order) -> str:
    """The form as it was filled."""
    given = {
        SOURCES.get(order.source, "path"): order.place, "branch": order.branch,
        "message": order.message, "adds": "1" if order.adds else "0",
    }  # fmt: skip
    return urlencode({key: value for key, value in given.items() if value})
