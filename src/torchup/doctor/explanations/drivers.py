"""Causes that lie in the driver, in its modes, or between it and the process."""

from __future__ import annotations

from torchup.doctor.explain import Explanation
from torchup.model import message

EXPLANATIONS: tuple[Explanation, ...] = (
    Explanation(
        slug="driver-too-old",
        title=message(
            "explain.driver-too-old.title",
            "The driver is older than the build needs",
        ),
        meaning=message(
            "explain.driver-too-old.meaning",
            "The driver serves CUDA up to some version. A build with a newer CUDA runs on it only within the same "
            "major version (CUDA 11 from driver 450, CUDA 12 from 525, CUDA 13 from 580); before CUDA 11 each build "
            "needed its own driver. The CUDA version in nvidia-smi's banner is what the driver serves, not what is "
            "installed.",
        ),
        see=message(
            "explain.driver-too-old.see",
            '"The NVIDIA driver on your system is too old", "CUDA driver version is insufficient for CUDA runtime '
            "version\"; torch.version.cuda has a higher major version than nvidia-smi's banner.",
        ),
        fix=message(
            "explain.driver-too-old.fix",
            "Either update the driver, or install a build that this driver runs: `torchup plan` names the newest "
            "one. A CUDA toolkit changes nothing.",
        ),
        linux=message(
            "explain.driver-too-old.linux",
            "Ubuntu: sudo ubuntu-drivers install. Debian: apt install nvidia-driver. Fedora: akmod-nvidia of RPM "
            "Fusion. Then reboot.",
        ),
        windows=message(
            "explain.driver-too-old.windows",
            "Windows: the current driver from nvidia.com/drivers or the NVIDIA app.",
        ),
        wsl=message(
            "explain.driver-too-old.wsl",
            "WSL: update the driver on Windows; install none inside WSL.",
        ),
    ),
    Explanation(
        slug="driver-missing-or-broken",
        title=message(
            "explain.driver-missing-or-broken.title",
            "No working NVIDIA driver",
        ),
        meaning=message(
            "explain.driver-missing-or-broken.meaning",
            "No driver is loaded, or its parts do not fit together: the kernel module is older than the libraries "
            "after an update, the module was built for another kernel, Secure Boot refused it, nouveau took the "
            "GPU, the GPU fell off the bus, or the driver lost its state in suspend.",
        ),
        see=message(
            "explain.driver-missing-or-broken.see",
            'nvidia-smi fails: "couldn\'t communicate with the NVIDIA driver", "Driver/library version mismatch", '
            '"No devices were found"; torch says "Found no NVIDIA driver" or "CUDA unknown error".',
        ),
        fix=message(
            "explain.driver-missing-or-broken.fix",
            "After an update: reboot. After suspend: reload the nvidia_uvm module or reboot. Else install the "
            "distribution's driver package; with Secure Boot enrol its key. A GPU that is lost again and again "
            "needs power, cooling or another slot.",
        ),
        linux=message(
            "explain.driver-missing-or-broken.linux",
            "Ubuntu: sudo ubuntu-drivers install. Debian: apt install nvidia-driver. Reload: sudo rmmod nvidia_uvm, "
            "then sudo modprobe nvidia_uvm.",
        ),
        windows=message(
            "explain.driver-missing-or-broken.windows",
            "Windows: reinstall the driver from nvidia.com/drivers with a clean installation.",
        ),
    ),
    Explanation(
        slug="visible-devices-hide",
        title=message(
            "explain.visible-devices-hide.title",
            "An environment variable hides the GPU",
        ),
        meaning=message(
            "explain.visible-devices-hide.meaning",
            "CUDA_VISIBLE_DEVICES (HIP_VISIBLE_DEVICES and ROCR_VISIBLE_DEVICES on AMD, ZE_AFFINITY_MASK on Intel) "
            "chooses the GPUs that a process sees. Empty, -1, or a number that does not exist leaves none. On AMD "
            "the two variables are applied one after the other, so the second one counts within what the first one "
            "left.",
        ),
        see=message(
            "explain.visible-devices-hide.see",
            'nvidia-smi lists GPUs, torch.cuda.device_count() is 0, "No CUDA GPUs are available", "invalid device '
            'ordinal"; the variable is set in the shell, the scheduler, a notebook, or by os.environ in the '
            "program.",
        ),
        fix=message(
            "explain.visible-devices-hide.fix",
            "Unset it, or name GPUs that exist. Set it before torch is imported. On AMD use one of the variables only.",
        ),
        windows=message(
            "explain.visible-devices-hide.windows",
            "Windows: set CUDA_VISIBLE_DEVICES= in the console, and look into the system's environment variables.",
        ),
    ),
    Explanation(
        slug="container-without-gpu",
        title=message(
            "explain.container-without-gpu.title",
            "The container was started without the GPU",
        ),
        meaning=message(
            "explain.container-without-gpu.meaning",
            "A container sees only the devices that it was given. Without --gpus (NVIDIA Container Toolkit or CDI) "
            "or the devices /dev/kfd and /dev/dri (AMD), torch inside finds no driver, though the host is fine.",
        ),
        see=message(
            "explain.container-without-gpu.see",
            'nvidia-smi works on the host and not in the container; "could not select device driver with '
            'capabilities: [[gpu]]"; "Unable to open /dev/kfd".',
        ),
        fix=message(
            "explain.container-without-gpu.fix",
            "Start it with the GPU. NVIDIA: docker run --gpus all IMAGE, with the NVIDIA Container Toolkit on the "
            "host. AMD: docker run --device=/dev/kfd --device=/dev/dri --group-add video --group-add render IMAGE. "
            "Kubernetes: request nvidia.com/gpu or amd.com/gpu.",
        ),
    ),
    Explanation(
        slug="container-lost-gpu",
        title=message(
            "explain.container-lost-gpu.title",
            "The container had the GPU and lost it",
        ),
        meaning=message(
            "explain.container-lost-gpu.meaning",
            "When systemd reloads its units on the host, it rewrites the device rules of running containers and "
            "forgets the GPU's nodes that were injected behind its back.",
        ),
        see=message(
            "explain.container-lost-gpu.see",
            'In a container that has run for hours: "Failed to initialize NVML: Unknown Error", while nvidia-smi on '
            "the host works.",
        ),
        fix=message(
            "explain.container-lost-gpu.fix",
            "Restart the container. For good: give the device nodes with --device=/dev/nvidia0 and so on, use CDI, "
            "or let the container engine use the cgroupfs driver.",
        ),
    ),
    Explanation(
        slug="wsl-driver-problem",
        title=message(
            "explain.wsl-driver-problem.title",
            "WSL does not reach the Windows driver",
        ),
        meaning=message(
            "explain.wsl-driver-problem.meaning",
            "In WSL the driver is that of Windows; its libraries are mounted at /usr/lib/wsl/lib. A Linux driver "
            "installed inside WSL shadows them, a Windows driver that is too old offers none, and WSL 1 has no GPU.",
        ),
        see=message(
            "explain.wsl-driver-problem.see",
            'nvidia-smi fails inside WSL and works on Windows; ls /usr/lib/wsl/lib shows no libcuda.so; "GPU access '
            'blocked by the operating system"; "no adapters were found".',
        ),
        fix=message(
            "explain.wsl-driver-problem.fix",
            "Remove NVIDIA driver packages inside WSL (toolkits may stay), install the current driver on Windows, "
            "run wsl --update and wsl --shutdown, and use WSL 2.",
        ),
        wsl=message(
            "explain.wsl-driver-problem.wsl",
            "sudo apt purge 'nvidia-*' 'libnvidia-*' cuda-drivers; then wsl --shutdown on Windows.",
        ),
    ),
    Explanation(
        slug="fabric-manager-needed",
        title=message(
            "explain.fabric-manager-needed.title",
            "The NVSwitch needs a running Fabric Manager",
        ),
        meaning=message(
            "explain.fabric-manager-needed.meaning",
            "On machines with NVSwitch (HGX and DGX with A100, H100, H200, B200) the GPUs open only after the "
            "Fabric Manager has set up the links. It must be of exactly the driver's version.",
        ),
        see=message(
            "explain.fabric-manager-needed.see",
            '"Error 802: system not yet initialized"; nvidia-smi works; systemctl status nvidia-fabricmanager shows '
            "that it is absent or failed.",
        ),
        fix=message(
            "explain.fabric-manager-needed.fix",
            "Install nvidia-fabricmanager of the driver's version and start it: sudo systemctl enable --now "
            "nvidia-fabricmanager. In a virtual machine or a cloud, the provider runs it on the host.",
        ),
    ),
    Explanation(
        slug="mig-or-exclusive-mode",
        title=message(
            "explain.mig-or-exclusive-mode.title",
            "The GPU accepts no new program",
        ),
        meaning=message(
            "explain.mig-or-exclusive-mode.meaning",
            "The compute mode is exclusive (one process) or prohibited, or MIG is enabled and has no instance. "
            "Another program holds an exclusive GPU, or nobody may use it.",
        ),
        see=message(
            "explain.mig-or-exclusive-mode.see",
            '"all CUDA-capable devices are busy or unavailable"; nvidia-smi -q -d COMPUTE shows Exclusive_Process '
            "or Prohibited; nvidia-smi -L lists a GPU with MIG and no MIG device.",
        ),
        fix=message(
            "explain.mig-or-exclusive-mode.fix",
            "sudo nvidia-smi -c 0 sets the default mode; sudo nvidia-smi mig -cgi 0 -C makes an instance, sudo "
            "nvidia-smi -mig 0 turns MIG off. On a cluster, ask the scheduler for the GPU.",
        ),
    ),
    Explanation(
        slug="memory-held-by-other-process",
        title=message(
            "explain.memory-held-by-other-process.title",
            "Other processes hold the GPU's memory",
        ),
        meaning=message(
            "explain.memory-held-by-other-process.meaning",
            "The allocation failed although this program uses little: the rest of the memory belongs to other "
            "processes, often a notebook kernel or a run that was not ended.",
        ),
        see=message(
            "explain.memory-held-by-other-process.see",
            "The message's total is much larger than what is reserved by PyTorch plus what is free; nvidia-smi "
            "lists other processes.",
        ),
        fix=message(
            "explain.memory-held-by-other-process.fix",
            "End them, or choose another GPU with CUDA_VISIBLE_DEVICES. If nvidia-smi lists none and the memory is "
            "still held, a process in a container or of another user has it.",
        ),
    ),
    Explanation(
        slug="permission-device-nodes",
        title=message(
            "explain.permission-device-nodes.title",
            "The device nodes are not accessible",
        ),
        meaning=message(
            "explain.permission-device-nodes.meaning",
            "The GPU is used through files below /dev. If this user may not open them, torch sees no GPU, or the "
            "tools say so.",
        ),
        see=message(
            "explain.permission-device-nodes.see",
            '"Insufficient Permissions", "Permission denied" for /dev/nvidiactl, /dev/kfd or /dev/dri/renderD128; '
            "ls -l shows their group, `groups` does not contain it.",
        ),
        fix=message(
            "explain.permission-device-nodes.fix",
            "sudo usermod -aG render,video $USER, then log in again. Nodes that belong to root alone: install the "
            "driver's udev rules, or give the container the groups of the host.",
        ),
    ),
    Explanation(
        slug="libcuda-stub-or-compat",
        title=message(
            "explain.libcuda-stub-or-compat.title",
            "The wrong libcuda is loaded",
        ),
        meaning=message(
            "explain.libcuda-stub-or-compat.meaning",
            "libcuda.so.1 must be that of the running driver. A stub (for linking only), or the "
            "forward-compatibility library of a CUDA image (for data-centre GPUs only) was found first, or the "
            "libraries were updated and the module was not.",
        ),
        see=message(
            "explain.libcuda-stub-or-compat.see",
            '"Error 803: system has unsupported display driver / cuda driver combination", "Error 804: forward '
            'compatibility was attempted on non supported HW", "CUDA driver is a stub library".',
        ),
        fix=message(
            "explain.libcuda-stub-or-compat.fix",
            "Take folders named stubs or cuda-compat out of LD_LIBRARY_PATH and /etc/ld.so.conf.d; in a container "
            "remove the package cuda-compat-*, or update the host's driver; after a driver update reboot.",
        ),
    ),
)
