"""Ways to make fewer of a picture's visual tokens; all keep ``length // stride`` of them."""
