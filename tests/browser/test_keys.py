"""A morning without a mouse."""

from __future__ import annotations

import pytest
from playwright.async_api import Page, expect

from shared.db import Pool
from tests.browser.conftest import CHROMIUM
from tests.console.conftest import Desk

pytestmark = pytest.mark.skipif(not CHROMIUM.exists(), reason="needs /usr/bin/chromium")

_ATTEMPTS = "SELECT outcome FROM attempts WHERE store_id = $1 ORDER BY created_at, id"


async def open_first(page: Page) -> None:
    """Enter on the first row; a page takes keys once its scripts have run."""
    await page.keyboard.press("Enter")
    await page.wait_for_url("**/visits/*", wait_until="load")
    await page.wait_for_selector("#foot[data-state=ready]")


async def test_enter_2_enter_records_no_answer_once_and_shows_the_next_customer(page: Page, desk: Desk, pool: Pool) -> None:
    await open_first(page)
    await page.keyboard.press("2")
    await page.keyboard.press("2")
    await expect(page.locator(".sentence")).to_contain_text("第 1 次未接通。明天（周二）14:00 再打第 2 次")
    await page.keyboard.press("Enter")

    await expect(page.locator(".call-head h1")).to_contain_text("李秀英")
    assert [row["outcome"] for row in await pool.fetch(_ATTEMPTS, desk.store_id)] == ["no_answer"]


@pytest.mark.slow
async def test_reached_1_then_5_then_the_answer_and_ctrl_enter_completes_and_goes_on(page: Page, desk: Desk, pool: Pool) -> None:
    await open_first(page)
    await page.keyboard.press("1")
    await page.keyboard.press("5")
    await page.keyboard.press("Control+Enter")
    await expect(page.locator("#hint")).to_contain_text("还有 1 个必答：问题是否解决")
    assert await pool.fetchval("SELECT count(*) FROM attempts WHERE store_id = $1", desk.store_id) == 0
    await page.keyboard.press("1")
    await page.keyboard.press("Control+Enter")

    await expect(page.locator(".call-head h1")).to_contain_text("李秀英")
    await expect(page.locator("#toast")).to_contain_text("已提交：王建国")
    visit = await pool.fetchrow("SELECT state, satisfaction FROM visits WHERE id = $1", desk.visits[0])
    assert visit is not None
    assert tuple(visit) == ("completed", 5)


@pytest.mark.slow
async def test_keys_typed_into_a_field_or_composed_only_type(page: Page, desk: Desk, pool: Pool) -> None:
    await open_first(page)
    await page.keyboard.press("t")
    await page.keyboard.type("2dn/")
    await page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {code: 'Digit2', key: '2', isComposing: true, bubbles: true}))"
    )

    assert await page.input_value("#note") == "2dn/"
    assert await pool.fetchval("SELECT count(*) FROM attempts WHERE store_id = $1", desk.store_id) == 0


@pytest.mark.slow
async def test_a_digit_is_read_by_its_place_so_that_an_input_method_left_on_does_not_matter(page: Page) -> None:
    await open_first(page)
    await page.evaluate(
        "document.body.dispatchEvent(new KeyboardEvent('keydown', {code: 'Digit2', key: 'Process', bubbles: true, cancelable: true}))"
    )

    await expect(page.locator("#foot[data-state=recorded]")).to_be_visible()


@pytest.mark.slow
async def test_what_was_typed_survives_a_reload_with_the_key_of_the_submission(page: Page) -> None:
    await open_first(page)
    await page.fill("#note", "客户说周二再联系")
    key = await page.locator("[name=idempotency_key]").input_value()
    await page.reload()

    assert await page.input_value("#note") == "客户说周二再联系"
    assert await page.locator("[name=idempotency_key]").input_value() == key


@pytest.mark.slow
async def test_the_number_is_in_the_page_only_after_v_and_goes_again(page: Page) -> None:
    await open_first(page)
    assert "13800131234" not in await page.content()
    await page.clock.install()
    await page.keyboard.press("v")
    await expect(page.locator(".revealed")).to_have_text("138 0013 1234")
    await page.clock.fast_forward(31_000)

    await expect(page.locator(".number .masked")).to_have_text("138****1234")
    assert "13800131234" not in await page.content()


@pytest.mark.slow
async def test_everything_of_a_call_fits_the_screen(page: Page) -> None:
    await open_first(page)

    assert await page.evaluate("document.scrollingElement.scrollHeight <= innerHeight")
    for button in await page.locator(".outcomes > button:visible").all():
        box = await button.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= 1280
        assert box["y"] + box["height"] <= 720


@pytest.mark.slow
@pytest.mark.parametrize("path", ["/today", "/customers", "/messages", "/tasks"])
async def test_a_phone_shows_pages_without_scrolling_sideways(page: Page, path: str) -> None:
    await page.set_viewport_size({"width": 360, "height": 640})
    await page.goto(path)

    assert await page.evaluate("document.scrollingElement.scrollWidth <= innerWidth")
