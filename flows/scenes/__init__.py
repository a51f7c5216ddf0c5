"""One plain module for each stage: show() says where we are, hear() takes what was said there."""
