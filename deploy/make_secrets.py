"""Write the secrets of a compose deployment: random, one file each, never overwritten. Standard library only.

    python3 deploy/make_secrets.py [FOLDER]      (default: deploy/secrets)

The folder is closed to others (0700). The files in it are readable (0444), because a container's own user must read
what compose mounts, whoever owns it on the host.
"""

import base64
import secrets
import sys
from pathlib import Path

SERVICES = ("api", "scheduler", "notifier")


def values() -> dict[str, str]:
    """Every secret of one deployment by the name of its file."""
    owner, redis = secrets.token_hex(24), secrets.token_hex(24)
    passwords = {service: secrets.token_hex(24) for service in SERVICES}
    database = "postgres:5432/huifang"
    return {
        "postgres_password": owner,
        "redis_password": redis,
        "redis_url": f"redis://:{redis}@redis:6379/0",
        "owner_database_url": f"postgresql://huifang_owner:{owner}@{database}",
        "huifang_secret_key": secrets.token_urlsafe(48),
        "huifang_data_keys": "k1:" + base64.b64encode(secrets.token_bytes(32)).decode(),
        **{f"huifang_db_password_{service}": password for service, password in passwords.items()},
        **{
            f"{service}_database_url": f"postgresql://huifang_{service}:{password}@{database}"
            for service, password in passwords.items()
        },
    }


def write(folder: Path) -> bool:
    """Write the files into a new folder; False when it is already there, and nothing is touched."""
    if folder.exists():
        return False
    folder.mkdir(parents=True, mode=0o700)
    for name, value in values().items():
        path = folder / name
        path.write_text(value)
        path.chmod(0o444)
    return True


def main() -> int:
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent / "secrets"
    if write(folder):
        sys.stdout.write(
            f"wrote {len(values())} secrets to {folder}; back them up: without huifang_data_keys no number can be read\n"
        )
        return 0
    sys.stderr.write(f"{folder} exists already; nothing was changed\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
