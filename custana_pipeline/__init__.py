"""custana: customer analytics that a company can run every night and believe."""
