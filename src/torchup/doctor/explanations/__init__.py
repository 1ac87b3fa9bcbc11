"""The explanations of all causes, one file a family."""

from torchup.doctor.explanations import builds, drivers, platforms, vendors

ALL = (*builds.EXPLANATIONS, *drivers.EXPLANATIONS, *platforms.EXPLANATIONS, *vendors.EXPLANATIONS)
