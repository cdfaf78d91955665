"""Builds the package for pip (PEP 517), with the standard library alone."""

import base64
import hashlib
import os
import tarfile
import zipfile

ROOT = os.path.dirname(os.path.abspath(__file__))


def _version():
    scope = {}
    with open(os.path.join(ROOT, "theeye", "_version.py"), encoding="utf-8") as f:
        exec(f.read(), scope)
    return scope["VERSION"]


def _metadata():
    with open(os.path.join(ROOT, "README.md"), encoding="utf-8") as f:
        readme = f.read()
    head = (
        "Metadata-Version: 2.1\nName: theeye\nVersion: %s\nSummary: Sends events to The Eye\n"
        "Requires-Python: >=3.9\nDescription-Content-Type: text/markdown\n\n"
    )
    return head % _version() + readme


def _sources():
    """Return the files of the package, relative to this folder."""
    names = sorted(os.listdir(os.path.join(ROOT, "theeye")))
    return ["theeye/" + n for n in names if n.endswith(".py") or n == "py.typed"]


def _write_wheel(path, content):
    """Write a wheel with a function that returns the content of a source."""
    info = "theeye-%s.dist-info/" % _version()
    files = [(name, content(name)) for name in _sources()]
    files.append((info + "METADATA", _metadata().encode()))
    files.append((info + "WHEEL", b"Wheel-Version: 1.0\nGenerator: theeye\nRoot-Is-Purelib: true\nTag: py3-none-any\n"))
    return _write_zip(path, files, info + "RECORD")


def _write_zip(path, files, record_name):
    record = []
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as z:
        for name, data in files:
            digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
            record.append("%s,sha256=%s,%d" % (name, digest, len(data)))
            z.writestr(zipfile.ZipInfo(name), data)
        z.writestr(zipfile.ZipInfo(record_name), "\n".join(record + [record_name + ",,"]) + "\n")


def _read(name):
    with open(os.path.join(ROOT, *name.split("/")), "rb") as f:
        return f.read()


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    name = "theeye-%s-py3-none-any.whl" % _version()
    _write_wheel(os.path.join(wheel_directory, name), _read)
    return name


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "theeye-%s-py3-none-any.whl" % _version()
    info = "theeye-%s.dist-info/" % _version()
    files = [
        ("theeye.pth", ROOT.encode() + b"\n"),
        (info + "METADATA", _metadata().encode()),
        (info + "WHEEL", b"Wheel-Version: 1.0\nGenerator: theeye\nRoot-Is-Purelib: true\nTag: py3-none-any\n"),
    ]
    _write_zip(os.path.join(wheel_directory, name), files, info + "RECORD")
    return name


def build_sdist(sdist_directory, config_settings=None):
    base = "theeye-%s" % _version()
    with tarfile.open(os.path.join(sdist_directory, base + ".tar.gz"), "w:gz", format=tarfile.PAX_FORMAT) as t:
        for name in _sources() + ["pyproject.toml", "build_backend.py", "README.md"]:
            t.add(os.path.join(ROOT, *name.split("/")), base + "/" + name)
        import io

        data = _metadata().encode()
        info = tarfile.TarInfo(base + "/PKG-INFO")
        info.size = len(data)
        t.addfile(info, io.BytesIO(data))
    return base + ".tar.gz"
