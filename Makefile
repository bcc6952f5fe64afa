# Everything that is run on the computer. `make` alone explains the targets.
# The first run of a target fetches what it needs into .toolchain/ (see tools/toolchain.py).

PYTHON3 ?= python3
PYTHON := .toolchain/venv/bin/python
TOOLCHAIN := $(PYTHON3) -m tools.toolchain

# Variables count only when they come from the command line or the environment: some
# shells have variables of their own with these names, such as SECONDS.
given = $(if $(filter command environment,$(firstword $(origin $(1)))),$($(1)))
option = $(if $(call given,$(1)),$(2) $(call given,$(1)))
yes := 1 y yes true
no := 0 n no false
misspelt = $(1)=$(call given,$(1)) is not allowed: one of $(yes), or one of $(no), or nothing
flag = $(if $(filter-out $(yes) $(no),$(call given,$(1))),$(error $(misspelt)))$(if \
	$(filter $(yes),$(call given,$(1))),$(2))

.DEFAULT_GOAL := help
.PHONY: help demo test check size bench conformance chaos fuzz flash monitor repl interop soak certs provision clean

help: ## Explain the targets
	@echo "make TARGET [VARIABLE=value]"
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/\1|\2/p' Makefile \
		| while IFS='|' read -r name text; do printf '  %-12s %s\n' "$$name" "$$text"; done

demo: ## Run the firmware on a simulated board with a real broker (SECONDS=20 TLS=1 ARGS=)
	@$(TOOLCHAIN) venv micropython mosquitto
	@$(PYTHON) -m tools.demo $(call option,SECONDS,--seconds) $(call flag,TLS,--tls) $(ARGS)

test: ## Run all tests (ARGS= is handed on, as in ARGS="-k topic")
	@$(TOOLCHAIN) all
	@$(PYTHON) -m tools.run_tests $(ARGS)

chaos: ## Play random histories against a model of both ends (RUNS=n, or SECONDS=60; SEED=1 ARGS=)
	@$(TOOLCHAIN) venv
	@$(PYTHON) -m tools.chaos $(call option,RUNS,--runs) $(call option,SECONDS,--seconds) \
		$(call option,SEED,--seed) $(ARGS)

fuzz: ## Feed a session what no broker should send (MODE=mutate, mutate5, send or cover; SEED=1 ARGS=)
	@$(TOOLCHAIN) venv
	@$(PYTHON) -m tools.fuzz $(or $(call given,MODE),mutate) $(call option,SEED,--seed) $(ARGS)

conformance: ## Run the test of each statement of MQTT, write docs/conformance.md (ARGS=--check)
	@$(TOOLCHAIN) venv mosquitto
	@$(PYTHON) -m tools.conformance $(ARGS)

check: ## Check style, types and the rules of the design (ARGS=)
	@$(TOOLCHAIN) venv mpy-cross
	@$(PYTHON) -m tools.check $(ARGS)

size: ## Measure what the library costs in heap and flash against its budget (ARGS=)
	@$(TOOLCHAIN) venv mpy-cross micropython32 mosquitto
	@$(PYTHON) -m tools.size $(ARGS)

bench: ## Measure beside other clients, write docs/bench.* (QUICK=1: some minutes; MQTT_AS=path ARGS=)
	@$(TOOLCHAIN) all
	@$(if $(call given,MQTT_AS),MQTT_AS="$(MQTT_AS)") $(PYTHON) -m tools.bench \
		$(if $(call flag,QUICK,yes),--quick,--docs) $(ARGS)

flash: ## Put library and firmware on a board (BOARD=esp32|pico_w PORT=/dev/ttyUSB0 ARGS=)
	@$(TOOLCHAIN) venv mpy-cross micropython
	@$(PYTHON) -m tools.flash $(call option,BOARD,--board) $(call option,PORT,--port) $(ARGS)

monitor: ## Show what a board prints (PORT=/dev/ttyUSB0)
	@$(TOOLCHAIN) venv
	@$(PYTHON) -m tools.monitor $(call option,PORT,--port) $(ARGS)

repl: ## Talk to a board's Python prompt (PORT=/dev/ttyUSB0)
	@$(TOOLCHAIN) venv
	@$(PYTHON) -m tools.repl $(call option,PORT,--port) $(ARGS)

interop: ## Run the library with brokers of other makers (WRITE=1: to docs/interop.md, ARGS=)
	@$(TOOLCHAIN) all
	@$(PYTHON) -m tools.interop $(call flag,WRITE,--write) $(ARGS)

soak: ## Run for long with outages and a small heap (MINUTES=60 ARGS=)
	@$(TOOLCHAIN) all
	@$(PYTHON) -m tools.soak $(call option,MINUTES,--minutes) $(ARGS)

certs: ## Make or renew certificates in certs/: CA, broker, device (DEVICE=name BROKER=host ARGS=)
	@$(TOOLCHAIN) venv
	@$(PYTHON) -m tools.certs $(call option,DEVICE,--device) $(call option,BROKER,--host) $(ARGS)

provision: ## Put a device's certificates and configuration on a board (DEVICE=name PORT= ARGS=)
	@$(TOOLCHAIN) venv
	@$(PYTHON) -m tools.provision $(call option,DEVICE,--device) $(call option,PORT,--port) $(ARGS)

clean: ## Delete build products and caches (ALL=1: the fetched .toolchain/ too)
	rm -rf build dist .pytest_cache .hypothesis .mypy_cache .ruff_cache .coverage htmlcov *.egg-info
	find . \( -path ./.git -o -path ./.toolchain \) -prune -o -name __pycache__ -type d -print \
		-prune | while IFS= read -r folder; do rm -rf "$$folder"; done
	$(if $(call flag,ALL,yes),rm -rf .toolchain)
