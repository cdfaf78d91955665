"""The package: pip installs it without a network, and the start of its README works then."""

import importlib.util
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import venv

from tests.collector import Collector

ROOT = pathlib.Path(__file__).parents[1]


class TestPackage(unittest.TestCase):
    def test_an_installation_from_the_folder(self):
        if importlib.util.find_spec("ensurepip") is None:
            self.fail("this Python has no pip for new environments: install python3-venv and run this again")
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        venv.create(folder.name, with_pip=True)
        python = os.path.join(folder.name, "Scripts" if os.name == "nt" else "bin", "python")
        # No index: what the installation would fetch, it does not find.
        env = {k: v for k, v in os.environ.items() if not k.startswith(("PYTHON", "PIP_", "EYE_"))}
        env.update(PIP_NO_INDEX="1", PIP_DISABLE_PIP_VERSION_CHECK="1")

        def run(*args):
            done = subprocess.run([python, *args], cwd=folder.name, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
            output = done.stdout.decode()
            self.assertEqual(0, done.returncode, output)
            return output

        run("-m", "pip", "install", str(ROOT))
        installed = pathlib.Path(run("-c", "import theeye; print(theeye.__file__)").strip()).parent
        self.assertIn(pathlib.Path(folder.name).resolve(), installed.resolve().parents)
        source = {p.name for p in (ROOT / "theeye").iterdir() if p.name != "__pycache__"}
        self.assertEqual(source, {p.name for p in installed.iterdir() if p.name != "__pycache__"})

        collector = Collector()
        self.addCleanup(collector.close)
        start = re.search(r"```python\n(.*?)```", (ROOT / "README.md").read_text(encoding="utf-8"), re.DOTALL).group(1)
        self.assertLessEqual(len(start.splitlines()), 10)
        self.assertIn("accepted=1", run("-c", start.replace("http://127.0.0.1:8080", collector.url)))
        self.assertEqual(["/pricing"], [e["data"]["path"] for e in collector.events])
        run("-m", "pip", "uninstall", "--yes", "theeye")


if __name__ == "__main__":
    unittest.main()
