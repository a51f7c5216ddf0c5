"""One module or package for each channel; none knows another."""
