"""Do the files of deploy/ fit the product, and is an environment file that others can read refused?"""

from __future__ import annotations

import getpass
import re
import shutil
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import pytest

from settings import Settings
from tests.support.house_rules import PRODUCT
from tests.support.sources import ROOT

DEPLOY = ROOT / "deploy"
UNITS = sorted((DEPLOY / "systemd").glob("*.service"))
VARIABLE = re.compile(r"\bHORARIUM_([A-Z_]+)\b")


def check(file: Path, *user: str) -> tuple[int, str]:
    done = subprocess.run([str(DEPLOY / "check-environment.sh"), str(file), *user], capture_output=True, text=True, check=False)
    assert done.stdout == ""
    return done.returncode, done.stderr


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """What a user makes of the example."""
    return Path(shutil.copy(DEPLOY / "environment.example", tmp_path / "environment"))


def test_an_environment_file_of_its_owner_alone_is_taken(environment: Path) -> None:
    environment.chmod(0o600)
    assert check(environment, getpass.getuser()) == (0, "")


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o644, 0o660, 0o700, 0o400])
def test_an_environment_file_of_another_mode_is_refused_with_what_to_type(environment: Path, mode: int) -> None:
    environment.chmod(mode)
    code, said = check(environment, getpass.getuser())
    assert code == 1
    assert f"has mode {mode:o}, so it is not read. Type: chmod 600 {environment}" in said


def test_a_link_does_not_hide_the_mode_of_its_file(environment: Path) -> None:
    environment.chmod(0o644)
    link = environment.with_name("link")
    link.symlink_to(environment)
    assert "has mode 644" in check(link, getpass.getuser())[1]


def test_a_missing_environment_file_is_named_with_its_example(tmp_path: Path) -> None:
    code, said = check(tmp_path / "environment")
    assert code == 1
    assert "is missing. Copy deploy/environment.example to it" in said


@pytest.mark.parametrize(
    "path", [DEPLOY / "environment.example", DEPLOY / "Dockerfile", ROOT / "docker-compose.yml"], ids=lambda path: path.name
)
def test_what_is_set_there_are_settings(path: Path) -> None:
    names = {found.lower() for found in VARIABLE.findall(path.read_text())}
    assert names
    assert names <= {field.name for field in fields(Settings)}


def copied_into_the_image() -> set[str]:
    """Return what the Dockerfile copies, by name."""
    lines = (DEPLOY / "Dockerfile").read_text().splitlines()
    return {word for line in lines if line.startswith("COPY ") for word in line.split()[1:-1]}


def test_the_image_knows_its_own_version(tmp_path: Path) -> None:
    for name in copied_into_the_image():
        copy = shutil.copytree if (ROOT / name).is_dir() else shutil.copy
        copy(ROOT / name, tmp_path / name)
    program = "from launcher.web.about import _horarium; print(_horarium())"
    done = subprocess.run([sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert re.fullmatch(r"\d+\.\d+\.\d+\S*\n", done.stdout)


def test_the_image_holds_the_whole_product() -> None:
    copied = copied_into_the_image()
    there = {name for name in PRODUCT if (ROOT / f"{name}.py").exists() or list((ROOT / name).glob("*.py"))}
    assert {name.removesuffix(".py") for name in copied} >= there
    assert [name for name in copied if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_what_a_unit_starts_is_there(unit: Path) -> None:
    named = re.findall(r"/opt/horarium/(\S+)", unit.read_text())
    assert [path for path in named if not path.startswith(".venv") and not (ROOT / path).exists()] == []


@pytest.mark.parametrize("unit", UNITS, ids=lambda path: path.name)
def test_systemd_understands_a_unit(unit: Path, tmp_path: Path) -> None:
    if not shutil.which("systemd-analyze"):
        pytest.skip("no systemd-analyze here")
    here = tmp_path / unit.name.replace("@", "@scheduler")
    text = unit.read_text().replace("/opt/horarium/.venv/bin/python", sys.executable).replace("/opt/horarium", str(ROOT))
    here.write_text(text)
    done = subprocess.run(["systemd-analyze", "verify", str(here)], capture_output=True, text=True, check=False)
    assert (done.returncode, [line for line in done.stderr.splitlines() if unit.name.partition(".")[0] in line]) == (0, [])
