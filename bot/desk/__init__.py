"""Staff: the queue without a browser; its pages come here too."""
