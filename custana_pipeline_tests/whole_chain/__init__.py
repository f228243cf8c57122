"""The whole chain on a small simulated shop, through the command, from files to published lists."""
