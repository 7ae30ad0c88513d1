"""Training the models here: published scripts as recipes, LLaVA's data format, transformers' trainer, exact resume."""
