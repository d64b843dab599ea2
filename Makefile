# make run    sets up, builds, makes the demo scene and runs the main job on it
# make page   the same at the pace of time, with a page to look at it: http://127.0.0.1:8765, until Ctrl-C
# make test   sets up, builds and runs all tests
# make build  leaves a runnable artifacts/aststream/aststream
# make test-kafka  runs all Kafka tests over a real cluster: ASTSTREAM_KAFKA=HOST:PORT, and ASTSTREAM_KAFKA_SASL=HOST:PORT for a listener that asks for a password
# make invariants  runs the streaming tests in a debug build, where every edge and pool asserts what must hold
# make mutants  puts faults into a copy of the sources, one after another, and prints those that no test notices (half an hour)
# make bench  runs the kernel benchmarks
# make gpu-bundle  packs all that a machine with a GPU but without network and .NET needs; SM=90 keeps one architecture's code
# make packages  makes .debs, tarballs, an SBOM and checksums in artifacts/packages: for amd64, arm64, and amd64 with CUDA
# make clean  removes what make built here (not the cache folder)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
.PHONY: run page build test trial-engine trial-notify test-kafka invariants mutants bench gpu-bundle packages schema format clean

export DOTNET_NOLOGO := 1
export DOTNET_CLI_TELEMETRY_OPTOUT := 1

APP := artifacts/aststream/aststream
SCENE := artifacts/demo/scene.wav
PROJECTS := $(shell find src tests load-tests examples -name '*.csproj' -not -path '*/obj/*')
SOURCES := $(shell find src pipelines/models pipelines/*.schema.json -type f -not -path '*/obj/*' -not -path '*/bin/*' -not -path '*/recipe/*' -not -name '* *')
SETTINGS := AstStream.sln $(wildcard Directory.*.props) src/Directory.Build.props global.json appsettings.json

run: $(APP) $(SCENE)
	$(APP) run pipelines/demo.yaml
	@echo "==> make page runs it at the pace of time, with a page to look at it: http://127.0.0.1:8765"

page: $(APP) $(SCENE)
	$(APP) run pipelines/station.yaml --keep-page

build: $(APP)

artifacts/.restored: $(PROJECTS) $(SETTINGS) deploy/restore.sh
	deploy/restore.sh
	mkdir -p artifacts && touch $@

$(APP): artifacts/.restored $(SOURCES)
	@echo "==> building"
	dotnet publish src/AstStream.Worker --no-restore -c Release -o artifacts/aststream -v:q -nologo
	touch $@

$(SCENE): deploy/demo-scene.sh
	deploy/demo-scene.sh $@

test: artifacts/.restored
	deploy/test-tools.sh
	@echo "==> building the tests"
	dotnet build AstStream.sln --no-restore -c Release -v:q -nologo
	dotnet test AstStream.sln --no-build -c Release -nologo --filter "Category!=RealKafka"

# Ten thousand graphs that start, fault and stop: does any of them hang, or keep a buffer?
trial-engine: artifacts/.restored
	ASTSTREAM_TRIAL=long dotnet test tests/AstStream.Tests -c Release --no-restore \
	  --filter "FullyQualifiedName~EngineTests" --logger "console;verbosity=detailed"

# Ten minutes of bad targets and twenty kills: does each notification arrive?
trial-notify: build
	ASTSTREAM_TRIAL=long dotnet test tests/AstStream.IntegrationTests -c Release --no-restore \
	  --filter "FullyQualifiedName~DeliveryTests" --logger "console;verbosity=detailed"

test-kafka: artifacts/.restored
	@[ -n "$${ASTSTREAM_KAFKA:-}" ] || { echo "error: name a cluster: ASTSTREAM_KAFKA=HOST:PORT make test-kafka" >&2; exit 1; }
	@timeout 5 bash -c "</dev/tcp/$${ASTSTREAM_KAFKA%%:*}/$${ASTSTREAM_KAFKA##*:}" 2>/dev/null || { echo "error: no broker answers at $$ASTSTREAM_KAFKA" >&2; exit 1; }
	deploy/test-tools.sh
	deploy/test-tools.sh kafkajs artifacts/kafkajs
	dotnet build tests/AstStream.IntegrationTests --no-restore -c Release -v:q -nologo
	NODE_PATH="$(CURDIR)/artifacts/kafkajs/node_modules" dotnet test tests/AstStream.IntegrationTests --no-build -c Release -nologo --filter "FullyQualifiedName~.Kafka."

invariants: artifacts/.restored
	dotnet test tests/AstStream.Tests --no-restore -c Debug -v:q -nologo --filter "(FullyQualifiedName~Streaming|FullyQualifiedName~Kafka|FullyQualifiedName~Capture)&FullyQualifiedName!~Allocat"

mutants: artifacts/.restored
	deploy/mutants/run.sh

bench: artifacts/.restored
	dotnet run --project load-tests/AstStream.Benchmarks --no-restore -c Release -- frontend

gpu-bundle: artifacts/.restored
	deploy/gpu-bundle/make.sh

packages: $(APP)
	deploy/packages/make.sh

schema: $(APP)
	$(APP) schema > pipelines/pipeline.schema.json
	$(APP) schema keys > docs/pipelines.md
	mkdir -p schemas
	$(APP) schema event > schemas/event.v1.schema.json
	$(APP) schema coverage > schemas/coverage.v1.schema.json
	$(APP) schema scores > schemas/scores.v1.schema.json
	$(APP) schema review > schemas/review.v1.schema.json

format: artifacts/.restored
	dotnet format --no-restore

clean:
	rm -rf artifacts
	find src tests load-tests examples \( -name bin -o -name obj \) -type d -prune -exec rm -rf {} +
