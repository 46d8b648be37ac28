"""What the site needs of Sphinx beyond its own extensions; each module is one."""
