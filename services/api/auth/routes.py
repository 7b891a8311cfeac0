"""Signing in over HTTP, and who one is."""

from __future__ import annotations

from typing import Annotated

from fastapi import Depends, Form, Request, Response

from services.api import errors
from services.api.auth import actions, queries
from services.api.auth.actions import Account
from services.api.auth.schemas import MeOut, PasswordChange, Refresh, SignIn, StaffTokenIn, StaffTokenOut, TokensOut
from services.api.auth.tokens import ACCESS_LIFE, access_token
from services.api.deps import AfterCommit, Caller, Now, StoreConnection, TheHouse
from services.api.routing import router as make_router
from services.api.wire import json_response, use_zone
from shared.errors import Forbidden

router = make_router(tag="auth")


def _address(request: Request) -> str:
    return request.client.host if request.client else ""


async def _verified(request: Request, house: TheHouse, form: Annotated[SignIn, Form()]) -> Account:
    return await actions.verify(house, form.username, form.password, _address(request))


Verified = Annotated[Account, Depends(_verified)]


@router.post("/auth/token", operation_id="create_token", responses={401: {}, 429: {}})
async def create_token(account: Verified, connection: StoreConnection, house: TheHouse) -> TokensOut:
    """Sign in (OAuth2 password form). After five failures each further one costs a growing delay (429, Retry-After)."""
    # The password is checked before the transaction opens: a flood of sign-ins must not hold connections.
    return await actions.give_tokens(connection, house, account)


@router.post("/auth/refresh", operation_id="refresh_token", response_model=TokensOut, responses={401: {}})
async def refresh_token(body: Refresh, request: Request, connection: StoreConnection, house: TheHouse) -> Response:
    """The next pair of tokens. A refresh token used twice revokes every token that came of the same sign-in."""
    tokens = await actions.refresh(connection, house, body.refresh_token)
    if tokens is None:
        return errors.of_error(request, actions.WrongRefreshToken())
    return json_response(tokens)


@router.post("/auth/logout", operation_id="sign_out", status_code=204)
async def sign_out(body: Refresh, connection: StoreConnection, house: TheHouse) -> None:
    """Revoke the refresh token and all that came of the same sign-in; the access token ends by itself."""
    await actions.sign_out(connection, house, body.refresh_token)


@router.post("/auth/staff-token", operation_id="create_staff_token", responses={404: {}})
async def create_staff_token(body: StaffTokenIn, connection: StoreConnection, house: TheHouse) -> StaffTokenOut:
    """For the operator: an access token of a member of staff, for scripts."""
    staff = await actions.person(connection, body.staff, body.store)
    account = await actions.account_of(connection, staff)
    return StaffTokenOut(
        access_token=access_token(house.settings.secret_key, account.id, account.token_version),
        expires_in=int(ACCESS_LIFE.total_seconds()),
        staff_id=staff["id"],
        store_id=staff["store_id"],
    )


@router.get("/me", operation_id="get_me")
async def get_me(caller: Caller, connection: StoreConnection, now: Now) -> MeOut:
    """Who calls, the stores with roles, the scopes of a key, and the service's clock."""
    stores = await queries.stores_of(connection, caller)
    if stores:
        use_zone(stores[0].timezone)
    return MeOut(
        kind=caller.kind,
        account_id=caller.id if caller.kind == "staff" else None,
        login=await queries.login_of(connection, caller),
        scopes=sorted(caller.scopes),
        stores=stores,
        now=now,
    )


@router.post("/me/password", operation_id="change_password", status_code=204, response_model=None, responses={429: {}})
async def change_password(
    body: PasswordChange, request: Request, caller: Caller, connection: StoreConnection, house: TheHouse, then: AfterCommit
) -> Response:
    """Set one's own password. Every session ends, this one too."""
    if caller.kind != "staff" or caller.id is None:
        return errors.of_error(request, Forbidden())
    done = await actions.change_password(connection, house, caller.id, body.old_password, body.new_password, _address(request))
    if not done:
        return errors.of_error(request, actions.WrongCredentials())
    then.append(house.identities.forget)
    return Response(status_code=204)
