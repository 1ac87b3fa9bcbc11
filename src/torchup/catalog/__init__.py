"""The tables: releases, drivers, architectures, GPUs, mirrors; every row with its source."""
