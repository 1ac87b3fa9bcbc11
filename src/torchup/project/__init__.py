"""A project's own file: which build it asks for, whether that is sound, the edits that put the planned one in. Pure.

The file stays the user's: bytes outside a change are kept, and every change can be undone.
"""
