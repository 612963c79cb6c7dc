"""What a session may be ended for, and who may say what: the record tells the truth."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.endings import MAY_SAY, Asker, Wish
from hub.enums import Reason
from spawner.ending import Ask, Asked
from spawner.errors import CarrelError, Code

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda part: st.lists(part) | st.dictionaries(st.sampled_from(["reason", "detail", "x"]), part),
)


@pytest.mark.parametrize("body", [None, {}])
@pytest.mark.parametrize(
    ("asker", "reason"),
    [
        (Asker.OWNER, Reason.STOPPED_BY_USER),
        (Asker.OTHER, Reason.ADMIN),
        (Asker.SERVICE, Reason.ADMIN),
    ],
)
def test_without_a_reason_it_is_whoever_asks(body: Any, asker: Asker, reason: Reason) -> None:
    assert Wish(body, asker).ask() == Ask(reason)


@pytest.mark.parametrize("asker", list(Asker))
@pytest.mark.parametrize("reason", list(Reason))
def test_nobody_gives_a_reason_that_is_not_theirs(asker: Asker, reason: Reason) -> None:
    wish = Wish({"reason": reason.value, "detail": "why"}, asker)
    if reason in MAY_SAY[asker]:
        assert wish.ask() == Ask(reason, "why")
    else:
        with pytest.raises(CarrelError) as caught:
            wish.ask()
        assert caught.value.code is Code.REFUSED


@given(JSON, st.sampled_from(Asker))
def test_whatever_is_sent_is_an_ask_or_a_refusal(body: Any, asker: Asker) -> None:
    try:
        ask = Wish(body, asker).ask()
    except CarrelError as error:
        assert error.code in (Code.BAD_INPUT, Code.REFUSED)
    else:
        assert ask.reason in MAY_SAY[asker] and ask.detail.isprintable()


def test_the_first_reason_stays_until_it_is_taken_back() -> None:
    asked = Asked()
    asked.note(Ask(Reason.IDLE))
    asked.note(Ask(Reason.ADMIN))
    assert asked.first == Ask(Reason.IDLE)
    asked.take_back()
    asked.note(Ask(Reason.ADMIN))
    assert asked.first == Ask(Reason.ADMIN)
