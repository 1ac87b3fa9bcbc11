"""Examples of every command, shown at the end of its ``--help``; a test parses each one.

Loaded for help only. Commands stay as they are in every language; what they are for is a text.
"""

from __future__ import annotations

from torchup.model import Message, message

# Command as it is typed up to its own name -> (line to type, what it is for).
EXAMPLES: dict[str, tuple[tuple[str, Message], ...]] = {
    "torchup": (
        ("torchup up", message("example.torchup.up", "The whole job; nothing to choose.")),
        ("torchup doctor", message("example.torchup.doctor", "Something does not work: why, and what to do.")),
        ("torchup plan --help", message("example.torchup.help", "Everything about one command.")),
    ),
    "torchup up": (
        ("torchup up", message("example.up", "Choose, install, prove and measure, asking once.")),
        (
            "torchup up --env lab --python 3.12 --profile analysis",
            message("example.up.lab", "A second environment, with JupyterLab and pandas."),
        ),
        (
            "torchup up --yes --no-bench --mirror tuna",
            message("example.up.mirror", "Without questions and measurements, from a mirror in China."),
        ),
    ),
    "torchup detect": (
        ("torchup detect", message("example.detect", "What is here, and where each fact was read.")),
        (
            "torchup detect --record machine",
            message("example.detect.record", "A recording for a bug report, without names, in the folder `machine`."),
        ),
    ),
    "torchup plan": (
        ("torchup plan", message("example.plan", "What `up` would install, and why.")),
        (
            "torchup plan --why-not cu132",
            message("example.plan.why-not", "What speaks against one variant on this machine."),
        ),
        (
            "torchup plan --assume gpu='RTX 5090',driver=580.95",
            message("example.plan.assume", "The plan for a machine that you do not have yet."),
        ),
        (
            "torchup plan --machine nodes --export slurm > job.sh",
            message("example.plan.fleet", "A batch script with the plan of every node in the folder `nodes`."),
        ),
        (
            "torchup plan --export dockerfile > Dockerfile",
            message("example.plan.export", "The same choice for another tool."),
        ),
    ),
    "torchup wheel": (
        ("torchup wheel flash-attn", message("example.wheel", "Which file, for which torch, and how to install it.")),
        (
            "torchup wheel xformers --torch 2.9.1+cu130",
            message("example.wheel.torch", "The file for a torch that you have elsewhere."),
        ),
    ),
    "torchup env": (
        ("torchup env list", message("example.env.list", "What is there.")),
        ("torchup env run lab -- python train.py", message("example.env.run", "Train in the environment `lab`.")),
    ),
    "torchup env create": (
        (
            "torchup env create old --torch 2.7.1 --python 3.11",
            message("example.env.create", "An older torch beside the one you have."),
        ),
    ),
    "torchup env list": (("torchup env list", message("example.env.list", "What is there.")),),
    "torchup env show": (
        ("torchup env show lab", message("example.env.show", "Build, source, proof, and how to activate it.")),
    ),
    "torchup env remove": (
        ("torchup env remove lab --dry-run", message("example.env.remove", "See what would go; nothing does.")),
    ),
    "torchup env rollback": (
        ("torchup env rollback lab", message("example.env.rollback", "Undo the last change of `lab`.")),
    ),
    "torchup env run": (
        ("torchup env run lab -- python train.py", message("example.env.run", "Train in the environment `lab`.")),
    ),
    "torchup env adopt": (
        ("torchup env adopt ~/venvs/work", message("example.env.adopt", "Let torchup verify and measure it, too.")),
    ),
    "torchup env export": (
        (
            "torchup env export lab --format pylock > pylock.toml",
            message("example.env.export", "Pin every package with its hash."),
        ),
    ),
    "torchup env bundle": (
        (
            "torchup env bundle lab -o bundle",
            message(
                "example.env.bundle", "Carry it to a machine without a network; there: `torchup up --from bundle`."
            ),
        ),
    ),
    "torchup verify": (
        ("torchup verify", message("example.verify", "Run kernels in the default environment.")),
        (
            "torchup verify --python .venv/bin/python --no-compile",
            message("example.verify.python", "Any Python, without the slow last check."),
        ),
    ),
    "torchup doctor": (
        ("torchup doctor", message("example.doctor", "Examine the default environment.")),
        (
            "torchup doctor --report issue.txt",
            message("example.doctor.report", "Diagnose what somebody else pasted."),
        ),
        (
            "torchup doctor --format md",
            message("example.doctor.md", "A report to paste into an issue; it names nobody."),
        ),
        ("torchup doctor --fix", message("example.doctor.fix", "Repair, after showing what would be done.")),
    ),
    "torchup bench": (
        ("torchup bench", message("example.bench", "MNIST on every device, in every way.")),
        (
            "torchup bench matmul --device cuda --precision tf32",
            message("example.bench.matmul", "One workload, one device, one rounding."),
        ),
        (
            "torchup bench --recipe script,graph --repeats 5",
            message("example.bench.repeats", "Two ways taking turns, for a comparison that holds."),
        ),
    ),
    "torchup explain": (
        ("torchup explain", message("example.explain", "Everything that can be explained.")),
        ("torchup explain driver-too-old", message("example.explain.code", "One cause: how to see it, how to fix it.")),
    ),
    "torchup results": (
        ("torchup results show latest", message("example.results.show", "The last run again.")),
        (
            "torchup results report --html page.html",
            message("example.results.report", "The latest run on one page that needs no network."),
        ),
    ),
    "torchup results list": (
        ("torchup results list", message("example.results.list", "Every stored run with its fastest result.")),
    ),
    "torchup results show": (
        ("torchup results show latest", message("example.results.show", "The last run again.")),
        ("torchup results show article", message("example.results.article", "The published times.")),
    ),
    "torchup results compare": (
        (
            "torchup results compare article latest",
            message("example.results.compare", "Beside the published times."),
        ),
        (
            "torchup results compare latest:script latest:graph",
            message("example.results.across", "Two ways of one run."),
        ),
        (
            "torchup results compare main.json latest --threshold 5%",
            message("example.results.threshold", "In CI: exit code 1 where something became slower."),
        ),
    ),
    "torchup results report": (
        (
            "torchup results report --html page.html",
            message("example.results.report", "The latest run on one page that needs no network."),
        ),
    ),
    "torchup results export": (
        (
            "torchup results export latest -o run.json",
            message("example.results.export", "A file to share; it names nobody."),
        ),
    ),
    "torchup results import": (
        ("torchup results import run.json", message("example.results.import", "Keep what somebody shared.")),
    ),
    "torchup mirror": (
        ("torchup mirror test", message("example.mirror.test", "Who really serves wheels, and how fast, from here.")),
    ),
    "torchup mirror list": (("torchup mirror list", message("example.mirror.list", "The names that --mirror knows.")),),
    "torchup mirror test": (
        (
            "torchup mirror test tuna sjtu --variant cu126",
            message("example.mirror.two", "Two mirrors, for one variant."),
        ),
    ),
    "torchup kernel": (("torchup kernel add lab", message("example.kernel.add", "Use `lab` in notebooks.")),),
    "torchup kernel add": (
        (
            "torchup kernel add lab --display-name 'PyTorch lab'",
            message("example.kernel.add", "Use `lab` in notebooks."),
        ),
        (
            "torchup kernel add lab --prefix /opt/hub",
            message("example.kernel.hub", "For every user of a JupyterHub."),
        ),
    ),
    "torchup kernel list": (
        ("torchup kernel list", message("example.kernel.list", "Every kernel, and whether it starts.")),
    ),
    "torchup kernel remove": (
        ("torchup kernel remove --stale", message("example.kernel.stale", "Those whose environment has gone.")),
    ),
    "torchup catalog": (
        ("torchup catalog show --variant cu126", message("example.catalog.show", "Every build of one variant.")),
    ),
    "torchup catalog show": (
        ("torchup catalog show --variant cu126 --all", message("example.catalog.show", "Every build of one variant.")),
    ),
    "torchup catalog check": (("torchup catalog check", message("example.catalog.check", "After changing a row.")),),
    "torchup catalog refresh": (
        (
            "torchup catalog refresh --write",
            message("example.catalog.refresh", "Learn of releases that are newer than this torchup."),
        ),
    ),
    "torchup cache": (("torchup cache show", message("example.cache.show", "See what lies in the download cache.")),),
    "torchup cache show": (
        ("torchup cache show", message("example.cache.show", "See what lies in the download cache.")),
    ),
    "torchup cache prune": (
        ("torchup cache prune --dry-run", message("example.cache.prune-dry", "See what would be removed.")),
        (
            "torchup cache prune --older-than 30",
            message("example.cache.prune", "Remove files older than a month, after asking."),
        ),
    ),
    "torchup catalog measure": (
        (
            "torchup catalog measure torch==2.15.0",
            message("example.catalog.measure", "What the wheel for this machine is built for."),
        ),
    ),
    "torchup project": (
        (
            "torchup project sync --for mac,windows-cuda",
            message("example.project", "One file for your Mac and your Windows machine; shown first."),
        ),
        ("torchup project check", message("example.project.check", "What is wrong with the file, for CI.")),
    ),
    "torchup project show": (
        ("torchup project show", message("example.project.show", "Which torch the files of this folder ask for.")),
    ),
    "torchup project check": (
        ("torchup project check", message("example.project.check", "What is wrong with the file, for CI.")),
        (
            "torchup project check --for linux-cuda,mac",
            message("example.project.check.for", "And whether it serves these machines."),
        ),
    ),
    "torchup project sync": (
        (
            "torchup project sync",
            message("example.project.sync", "The build for this machine, in the file of this folder."),
        ),
        (
            "torchup project sync --for mac,windows-cuda,linux-cuda,linux-rocm,cpu",
            message("example.project.sync.for", "One file for all of these; extras part several builds of a platform."),
        ),
        ("torchup project sync --undo", message("example.project.undo", "Put back what was there before.")),
    ),
    "torchup fleet": (
        (
            "torchup fleet report machines --html fleet.html",
            message("example.fleet", "One page of every machine in the folder `machines`."),
        ),
    ),
    "torchup fleet report": (
        (
            "torchup fleet report machines --html fleet.html",
            message("example.fleet", "One page of every machine in the folder `machines`."),
        ),
    ),
    "torchup mcp": (
        (
            "torchup mcp",
            message("example.mcp", "What an agent starts; tell it once: `claude mcp add torchup -- torchup mcp`."),
        ),
    ),
    "torchup self": (("torchup self paths", message("example.self.paths", "Where everything is.")),),
    "torchup self paths": (("torchup self paths", message("example.self.paths", "Where everything is.")),),
    "torchup self uninstall": (
        (
            "torchup self uninstall --dry-run",
            message("example.self.uninstall", "See what would be removed; nothing is."),
        ),
    ),
    "torchup self completion": (
        (
            "torchup self completion bash >> ~/.bashrc",
            message("example.self.completion", "Once; then open a new shell."),
        ),
        (
            "torchup self completion zsh >> ~/.zshrc",
            message("example.self.zsh", "The same for zsh, below the line that calls compinit."),
        ),
        (
            "torchup self completion fish > ~/.config/fish/completions/torchup.fish",
            message("example.self.fish", "The same for fish."),
        ),
        (
            "torchup self completion powershell >> $PROFILE",
            message("example.self.powershell", "The same for PowerShell."),
        ),
    ),
}
