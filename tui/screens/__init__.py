"""One file a page. Pages are imported when first shown, so that none of them slows the start."""
