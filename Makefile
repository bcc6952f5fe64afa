# Everything that is run on the computer. `make` alone explains the targets.
# The first run of a target fetches what it needs into .toolchain/ (see tools/toolchain.py).

PYTHON3 ?= python3
PYTHON := .toolchain/venv/bin/python
TOOLCHAIN := $(PYTHON3) -m tools.toolchain

# Variables count only when they come from the command line or the environment: some
# shells have variables of their own with these names, such as SECONDS.
given = $(if $(filter command environment,$(firstword $(origin $(1)))),$($(1)))
option = $(if $(call given,$(1)),$(2) $(call given,$(1)))
flag = $(if $(filter 1 y yes true,$(call given,$(1))),$(2))

.DEFAULT_GOAL := help
.PHONY: help demo test check size flash monitor repl clean

help: ## Explain the targets
	@echo "make TARGET [VARIABLE=value]"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile \
		| while IFS='|' read -r name text; do printf '  %-9s %s\n' "$$name" "$$text"; done

demo: ## Run the firmware on a simulated board with a real broker (SECONDS=20 TLS=1 ARGS=)
	@$(TOOLCHAIN) venv micropython mosquitto
	@$(PYTHON) -m tools.demo $(call option,SECONDS,--seconds) $(call flag,TLS,--tls) $(ARGS)

test: ## Run all tests (ARGS= is handed on, as in ARGS="-k topic")
	@$(TOOLCHAIN) all
	@$(PYTHON) -m tools.run_tests $(ARGS)

check: ## Check style, types and the rules of the design (ARGS=)
	@$(TOOLCHAIN) venv mpy-cross
	@$(PYTHON) -m tools.check $(ARGS)

size: ## Measure what the library costs in heap and flash against its budget (ARGS=)
	@$(TOOLCHAIN) venv mpy-cross micropython32 mosquitto
	@$(PYTHON) -m tools.size $(ARGS)

flash: ## Put library and firmware on a board (BOARD=esp32|pico_w PORT=/dev/ttyUSB0 ARGS=)
	@$(TOOLCHAIN) venv mpy-cross micropython
	@$(PYTHON) -m tools.flash $(call option,BOARD,--board) $(call option,PORT,--port) $(ARGS)

monitor: ## Show what a board prints (PORT=/dev/ttyUSB0)
	@$(TOOLCHAIN) venv
	@$(PYTHON) -m tools.monitor $(call option,PORT,--port) $(ARGS)

repl: ## Talk to a board's Python prompt (PORT=/dev/ttyUSB0)
	@$(TOOLCHAIN) venv
	@$(PYTHON) -m tools.repl $(call option,PORT,--port) $(ARGS)

clean: ## Delete build products and caches (ALL=1: the fetched .toolchain/ too)
	rm -rf build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .coverage htmlcov *.egg-info
	find . \( -path ./.git -o -path ./.toolchain \) -prune -o -name __pycache__ -type d -print \
		-prune | while IFS= read -r folder; do rm -rf "$$folder"; done
	$(if $(call flag,ALL,yes),rm -rf .toolchain)
