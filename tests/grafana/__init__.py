"""The objectives, and all that is made from them."""
