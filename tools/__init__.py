"""What is run on the computer: toolchain, broker, and the commands behind `make`."""
