"""`huifang store`, `staff`, `apikey` and `token`: who works where, and who may call the API."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli.options import DEFAULT_DATA, AsJson, Data, Json, StoreCode, print_json, print_result, print_table
from services.cli.runtime import api

store_app = typer.Typer(help="Stores.", no_args_is_help=True)
staff_app = typer.Typer(help="Staff of a store.", no_args_is_help=True)
apikey_app = typer.Typer(help="API keys of a store.", no_args_is_help=True)


@store_app.command("add")
def add_store(
    code: Annotated[str, typer.Option(help="A short code, such as S01.")],
    name: Annotated[str, typer.Option(help="The store's name.")],
    timezone: Annotated[str | None, typer.Option(help="An IANA zone; default: HUIFANG_TIMEZONE.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Add a store."""
    with api(data) as client:
        store = client.post("/v1/stores", _given({"code": code, "name": name, "timezone": timezone}))
    print_result(store, as_json, f"Store {store['code']} {store['name']} ({store['id']}).")


@store_app.command("list")
def list_stores(data: Data = DEFAULT_DATA, as_json: AsJson = False) -> None:
    """List the stores."""
    with api(data) as client:
        stores = list(client.items("/v1/stores"))
    if as_json:
        print_json(stores)
    else:
        print_table(stores, {"code": "Code", "name": "Name", "timezone": "Time zone", "id": "Id"})


@staff_app.command("add")
def add_staff(
    store: StoreCode,
    name: Annotated[str, typer.Option(help="The person's name.")],
    role: Annotated[list[str], typer.Option(help="A role; repeat it for several.")],
    login: Annotated[str | None, typer.Option(help="The name to sign in with.")] = None,
    password: Annotated[str | None, typer.Option(help="The password; asked for when a login comes without one.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Add a person to a store, with a sign-in when --login is given."""
    if login and password is None:
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True, err=True)
    with api(data) as client:
        body = _given({"name": name, "roles": role, "login": login, "password": password})
        person = client.post(f"{client.store_path(store)}/staff", body)
    print_result(person, as_json, f"{person['name']} ({', '.join(person['roles'])}), id {person['id']}.")


@apikey_app.command("create")
def create_key(
    store: StoreCode,
    name: Annotated[str, typer.Option(help="What the key is for.")],
    scope: Annotated[list[str], typer.Option(help="read, write, pii:read, import or hooks; repeat it for several.")],
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Make an API key. It is shown once."""
    with api(data) as client:
        key = client.post(f"{client.store_path(store)}/api-keys", {"name": name, "scopes": scope})
    print_result(key, as_json, str(key["key"]))


def token(
    staff: Annotated[str, typer.Argument(help="The person's login, name or id.")],
    store: Annotated[str | None, typer.Option(help="The store's code, when the person works in several.")] = None,
    data: Data = DEFAULT_DATA,
    as_json: AsJson = False,
) -> None:
    """Print a bearer token of a member of staff, for scripts."""
    with api(data) as client:
        answer = client.post("/v1/auth/staff-token", _given({"staff": staff, "store": store}))
    print_result(answer, as_json, str(answer["access_token"]))


def _given(body: Json) -> Json:
    return {name: value for name, value in body.items() if value is not None}
