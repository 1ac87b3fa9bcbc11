"""torchup as tools of an agent or an editor, over the Model Context Protocol."""
