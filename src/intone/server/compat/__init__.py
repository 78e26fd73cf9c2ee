"""Routes of older servers, as their clients know them."""
