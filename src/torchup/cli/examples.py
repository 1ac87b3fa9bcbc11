"""Examples of every command, shown at the end of its ``--help``; a test parses each one.

Loaded for help only. Commands stay as they are in every language; what they are for is a text.
"""

from __future__ import annotations

from torchup.model import Message, message

# Command as it is typed up to its own name -> (line to type, what it is for).
EXAMPLES: dict[str, tuple[tuple[str, Message], ...]] = {
    "torchup": (
        ("torchup up", message("example.torchup.up", "Install, verify and benchmark, after one question.")),
        ("torchup doctor", message("example.torchup.doctor", "Find out why something does not work, and what to do.")),
        ("torchup plan --help", message("example.torchup.help", "Show everything about one command.")),
    ),
    "torchup up": (
        ("torchup up", message("example.up", "Choose, install, verify and measure, after one question.")),
        (
            "torchup up --env lab --python 3.12 --profile analysis",
            message("example.up.lab", "Make a second environment with JupyterLab and pandas."),
        ),
        (
            "torchup up --yes --no-bench --mirror tuna",
            message("example.up.mirror", "Install from a mirror in China, without questions or measurements."),
        ),
    ),
    "torchup lab": (
        (
            "torchup lab",
            message("example.lab", "Open JupyterLab in the browser with the torch of the default environment."),
        ),
        (
            "torchup lab thesis --no-browser --port 9000",
            message(
                "example.lab.port",
                "Serve the JupyterLab of `thesis` on port 9000, to open it from another computer over SSH.",
            ),
        ),
    ),
    "torchup hub": (
        (
            "torchup hub thesis",
            message(
                "example.hub", "Start the JupyterHub of `thesis`; only you can log in, unless you start it as root."
            ),
        ),
    ),
    "torchup detect": (
        ("torchup detect", message("example.detect", "Show what this machine has, and where each fact was read.")),
        (
            "torchup detect --record machine",
            message(
                "example.detect.record",
                "Record this machine for a bug report, without user and host names, in the folder `machine`.",
            ),
        ),
    ),
    "torchup plan": (
        ("torchup plan", message("example.plan", "Show what `torchup up` would install, and why.")),
        (
            "torchup plan --why-not cu132",
            message("example.plan.why-not", "Show why one variant was not chosen for this machine."),
        ),
        (
            "torchup plan --assume gpu='RTX 5090',driver=580.95",
            message("example.plan.assume", "Plan for a machine that you do not have yet."),
        ),
        (
            "torchup plan --machine nodes --export slurm > job.sh",
            message("example.plan.fleet", "Write a batch script with the plan of every node in the folder `nodes`."),
        ),
        (
            "torchup plan --export dockerfile > Dockerfile",
            message("example.plan.export", "Write the planned build as a file for another tool."),
        ),
    ),
    "torchup fetch": (
        (
            "torchup fetch --machine target.json --to bundle",
            message(
                "example.fetch",
                "Download what the machine in target.json needs; repeat the command to continue after an interruption.",
            ),
        ),
    ),
    "torchup wheel": (
        (
            "torchup wheel flash-attn",
            message("example.wheel", "Show which wheel of flash-attn fits which torch, and how to install it."),
        ),
        (
            "torchup wheel xformers --torch 2.9.1+cu130",
            message("example.wheel.torch", "Show the file that fits a torch other than the installed one."),
        ),
    ),
    "torchup env": (
        ("torchup env list", message("example.env.list", "List the environments.")),
        ("torchup env run lab -- python train.py", message("example.env.run", "Train in the environment `lab`.")),
    ),
    "torchup env create": (
        (
            "torchup env create old --torch 2.7.1 --python 3.11",
            message("example.env.create", "Make another environment, with an older torch."),
        ),
    ),
    "torchup env list": (("torchup env list", message("example.env.list", "List the environments.")),),
    "torchup env show": (
        (
            "torchup env show lab",
            message(
                "example.env.show", "Show the build, its source, its verification, and how to activate the environment."
            ),
        ),
    ),
    "torchup env remove": (
        (
            "torchup env remove lab --dry-run",
            message("example.env.remove", "Show what would be removed, without removing anything."),
        ),
    ),
    "torchup env rollback": (
        ("torchup env rollback lab", message("example.env.rollback", "Restore the previous version of `lab`.")),
    ),
    "torchup env repair": (
        (
            "torchup env repair lab --dry-run",
            message("example.env.repair", "Show what is damaged and what a repair would change."),
        ),
    ),
    "torchup env run": (
        ("torchup env run lab -- python train.py", message("example.env.run", "Train in the environment `lab`.")),
    ),
    "torchup env adopt": (
        (
            "torchup env adopt ~/venvs/work",
            message(
                "example.env.adopt", "Register an existing environment, so that torchup can verify and measure it."
            ),
        ),
    ),
    "torchup env export": (
        (
            "torchup env export lab --format pylock > pylock.toml",
            message("example.env.export", "Export every package with its version and hash."),
        ),
    ),
    "torchup env bundle": (
        (
            "torchup env bundle lab -o bundle",
            message(
                "example.env.bundle",
                "Collect the wheels of the environment `lab` in the folder `bundle`; copy the folder to a "
                "machine without a network and run `torchup up --from bundle` there.",
            ),
        ),
    ),
    "torchup verify": (
        (
            "torchup verify",
            message("example.verify", "Verify that the PyTorch of the environment in use computes correctly."),
        ),
        (
            "torchup verify --python .venv/bin/python --no-compile",
            message(
                "example.verify.python", "Verify the torch of any Python, without the slow check of torch.compile."
            ),
        ),
    ),
    "torchup doctor": (
        (
            "torchup doctor",
            message("example.doctor", "Examine the environment in use; the help of --env says which one that is."),
        ),
        (
            "torchup doctor --report issue.txt",
            message("example.doctor.report", "Diagnose a report that someone else pasted."),
        ),
        (
            "torchup doctor --format md",
            message("example.doctor.md", "Write a report to paste into an issue; it contains no user or host names."),
        ),
        (
            "torchup doctor --fix",
            message("example.doctor.fix", "Repair the environment, after asking."),
        ),
    ),
    "torchup bench": (
        ("torchup bench", message("example.bench", "Measure MNIST on every device, with the default recipes.")),
        (
            "torchup bench matmul --device cuda --precision tf32",
            message("example.bench.matmul", "Measure one workload on one device with one precision."),
        ),
        (
            "torchup bench --recipe script,graph --repeats 5",
            message("example.bench.repeats", "Compare two recipes with alternating repeats."),
        ),
    ),
    "torchup explain": (
        ("torchup explain", message("example.explain", "List everything that can be explained.")),
        (
            "torchup explain driver-too-old",
            message("example.explain.code", "Explain one cause: how to recognise it and how to fix it."),
        ),
    ),
    "torchup results": (
        ("torchup results show latest", message("example.results.show", "Show the latest run again.")),
        (
            "torchup results report --html page.html",
            message("example.results.report", "Write the latest run as one page that needs no network."),
        ),
    ),
    "torchup results list": (
        ("torchup results list", message("example.results.list", "List every stored run with its fastest result.")),
    ),
    "torchup results show": (
        ("torchup results show latest", message("example.results.show", "Show the latest run again.")),
        ("torchup results show article", message("example.results.article", "Show the article's published times.")),
    ),
    "torchup results compare": (
        (
            "torchup results compare article latest",
            message("example.results.compare", "Compare the latest run with the article's published times."),
        ),
        (
            "torchup results compare latest:script latest:graph",
            message("example.results.across", "Compare two recipes of one run."),
        ),
        (
            "torchup results compare main.json latest --threshold 5%",
            message(
                "example.results.threshold", "Fail in CI (exit code 1) if a result became slower by more than 5 %."
            ),
        ),
    ),
    "torchup results report": (
        (
            "torchup results report --html page.html",
            message("example.results.report", "Write the latest run as one page that needs no network."),
        ),
    ),
    "torchup results export": (
        (
            "torchup results export latest -o run.json",
            message("example.results.export", "Write a file to share; it contains no user or host names."),
        ),
    ),
    "torchup results import": (
        (
            "torchup results import run.json",
            message("example.results.import", "Import a result file that someone shared."),
        ),
    ),
    "torchup web": (
        ("torchup web", message("example.web", "Open torchup's page in the browser.")),
        (
            "torchup web --write public/torchup",
            message("example.web.write", "Write torchup's page to a folder for your own web server."),
        ),
    ),
    "torchup mirror": (
        (
            "torchup mirror test",
            message("example.mirror.test", "Test which mirrors serve wheels to this machine, and how fast."),
        ),
    ),
    "torchup mirror list": (
        ("torchup mirror list", message("example.mirror.list", "List the names that --mirror accepts.")),
    ),
    "torchup mirror test": (
        (
            "torchup mirror test tuna sjtu --variant cu126",
            message("example.mirror.two", "Measure two mirrors for one variant."),
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
            message("example.kernel.hub", "Add the kernel for every user of a JupyterHub."),
        ),
    ),
    "torchup kernel list": (
        ("torchup kernel list", message("example.kernel.list", "List every kernel and show whether it can start.")),
    ),
    "torchup kernel remove": (
        (
            "torchup kernel remove --stale",
            message("example.kernel.stale", "Remove torchup's kernels that can no longer start."),
        ),
    ),
    "torchup catalog": (
        ("torchup catalog show --variant cu126", message("example.catalog.show", "Show every build of one variant.")),
    ),
    "torchup catalog show": (
        (
            "torchup catalog show --variant cu126 --all",
            message("example.catalog.show", "Show every build of one variant."),
        ),
    ),
    "torchup catalog check": (
        ("torchup catalog check", message("example.catalog.check", "Check the catalogue after you change a row.")),
    ),
    "torchup catalog refresh": (
        (
            "torchup catalog refresh --write",
            message(
                "example.catalog.refresh", "Look for releases that are newer than torchup's catalogue, and save them."
            ),
        ),
    ),
    "torchup cache": (("torchup cache show", message("example.cache.show", "Show what the download cache contains.")),),
    "torchup cache show": (
        ("torchup cache show", message("example.cache.show", "Show what the download cache contains.")),
    ),
    "torchup cache prune": (
        ("torchup cache prune --dry-run", message("example.cache.prune-dry", "Show what would be removed.")),
        (
            "torchup cache prune --older-than 30",
            message("example.cache.prune", "Remove downloaded files older than a month, after asking."),
        ),
    ),
    "torchup catalog measure": (
        (
            "torchup catalog measure torch==2.15.0",
            message(
                "example.catalog.measure", "Show what the torch wheel that fits this machine's platform is built for."
            ),
        ),
    ),
    "torchup project": (
        (
            "torchup project sync --for mac,windows-cuda",
            message(
                "example.project",
                "Write the builds for a Mac and for a Windows machine with an NVIDIA GPU into this folder's "
                "project file.",
            ),
        ),
        ("torchup project check", message("example.project.check", "Check the project file in CI.")),
    ),
    "torchup project show": (
        (
            "torchup project show",
            message("example.project.show", "Show which torch this folder's project files require."),
        ),
    ),
    "torchup project check": (
        ("torchup project check", message("example.project.check", "Check the project file in CI.")),
        (
            "torchup project check --for linux-cuda,mac",
            message("example.project.check.for", "Also check that the project file supports these machines."),
        ),
    ),
    "torchup project sync": (
        (
            "torchup project sync",
            message("example.project.sync", "Write the build for this machine into this folder's project file."),
        ),
        (
            "torchup project sync --for mac,windows-cuda,linux-cuda,linux-rocm,cpu",
            message("example.project.sync.for", "Write one project file for all of these machines."),
        ),
        (
            "torchup project sync --undo",
            message("example.project.undo", "Restore the project file as it was before the last sync."),
        ),
    ),
    "torchup fleet": (
        (
            "torchup fleet report machines --html fleet.html",
            message("example.fleet", "Write one page for all machines in the folder `machines`."),
        ),
    ),
    "torchup fleet report": (
        (
            "torchup fleet report machines --html fleet.html",
            message("example.fleet", "Write one page for all machines in the folder `machines`."),
        ),
    ),
    "torchup mcp": (
        (
            "torchup mcp",
            message(
                "example.mcp",
                "Let an agent use torchup. Run `claude mcp add torchup -- torchup mcp` to register torchup with "
                "Claude Code.",
            ),
        ),
    ),
    "torchup self": (
        ("torchup self paths", message("example.self.paths", "List everything that torchup has written.")),
    ),
    "torchup self paths": (
        ("torchup self paths", message("example.self.paths", "List everything that torchup has written.")),
    ),
    "torchup self uninstall": (
        (
            "torchup self uninstall --dry-run",
            message("example.self.uninstall", "Show what would be removed, without removing anything."),
        ),
    ),
    "torchup self completion": (
        (
            "torchup self completion bash >> ~/.bashrc",
            message("example.self.completion", "Set up completion for bash: run this once, then open a new shell."),
        ),
        (
            "torchup self completion zsh >> ~/.zshrc",
            message(
                "example.self.zsh", "Set up completion for zsh; the added lines must come after the call of compinit."
            ),
        ),
        (
            "torchup self completion fish > ~/.config/fish/completions/torchup.fish",
            message("example.self.fish", "Set up completion for fish."),
        ),
        (
            "torchup self completion powershell >> $PROFILE",
            message("example.self.powershell", "Set up completion for PowerShell."),
        ),
    ),
}
