using System.CommandLine;
using AstStream.LoadTest;
using AstStream.Station.Levels;

var streams = new Option<int>("--streams") { Description = "Live streams.", DefaultValueFactory = _ => 2000 };
var seconds = new Option<double>("--seconds") { Description = "How long they sound.", DefaultValueFactory = _ => 60 };
var run = new Option<double>("--run-ms") { Description = "What a run of the simulated session takes.", DefaultValueFactory = _ => 2 };
var window = new Option<double>("--window-ms") { Description = "What each of its windows takes more.", DefaultValueFactory = _ => 0.4 };
var batch = new Option<int>("--batch") { Description = "Its largest batch.", DefaultValueFactory = _ => 64 };
var delay = new Option<double>("--max-queue-delay-ms") { DefaultValueFactory = _ => 10 };
var hop = new Option<double>("--hop") { Description = "Seconds.", DefaultValueFactory = _ => 1 };
var share = new Option<double>("--share-48k") { Description = "Part of the streams that come at 48 kHz.", DefaultValueFactory = _ => 0 };
var load = new Option<double>(
    "--load")
{ Description = "overload: how many times what the session can do.", DefaultValueFactory = _ => 1.5 };
var calm = new Option<double>("--calm") { Description = "overload: seconds before it.", DefaultValueFactory = _ => 20 };
var levels = new Option<LevelDetail>("--levels")
{
    Description = "live: what the station measures: bands, overall or none.",
    DefaultValueFactory = _ => LevelDetail.Bands,
};
var model = new Option<string?>(
    "--model")
{ Description = "live, saturate: a model's folder, for a real session in place of the simulated one." };
var providers = new Option<string>("--providers") { Description = "What a real session runs on.", DefaultValueFactory = _ => "cpu" };
var data = new Option<string>("--data") { Description = "gate: a folder of WAV clips.", DefaultValueFactory = _ => "clips" };
var days = new Option<double>("--days") { DefaultValueFactory = _ => 1 };

var each = new Option<double>("--seconds-each") { Description = "costs: how long each is measured.", DefaultValueFactory = _ => 1.5 };
var count = new Option<int>("--count") { Description = "Microphones.", DefaultValueFactory = _ => 16 };
var latency = new Option<double>("--latency-ms") { Description = "What a device may hold back.", DefaultValueFactory = _ => 300 };
var turns = new Option<int>("--turns") { DefaultValueFactory = _ => 50 };
var cuts = new Option<int>("--cuts") { DefaultValueFactory = _ => 100 };

var few = new Option<int>("--turns") { DefaultValueFactory = _ => 5 };
var away = new Option<double[]>("--away")
{
    Description = "reconnect: for how many seconds the server is away.",
    DefaultValueFactory = _ =>
    [0, 1, 5, 20],
    AllowMultipleArgumentsPerToken = true
};

var stationFolder = new Option<string?>("--station") { Description = "live: a folder for a station's store and clips." };
var viewers = new Option<int>("--viewers") { Description = "live: browsers that look at the station.", DefaultValueFactory = _ => 20 };
var rate = new Option<double>("--events-per-second") { DefaultValueFactory = _ => 50 };

var root = new RootCommand("Loads the engine as thousands of streams do, and reports. Every command ends by itself.");
Command Add(string name, string description, Func<ParseResult, Task> action, params Option[] options)
{
    var command = new Command(name, description);
    foreach (var option in options)
        command.Options.Add(option);
    command.SetAction((result, _) => action(result));
    root.Subcommands.Add(command);
    return command;
}

Settings Read(ParseResult r) => new(
    r.GetValue(streams), r.GetValue(seconds), r.GetValue(run), r.GetValue(window), r.GetValue(batch), r.GetValue(delay),
    (int)Math.Round(r.GetValue(hop) * 100), r.GetValue(share));

Add("live", "Live streams within what the session can do.", async r =>
{
    using var real = RealModel.TryOpen(r.GetValue(model), r.GetValue(providers)!);
    await using var station = r.GetValue(stationFolder) is { } place
        ? await StationLoad.OpenAsync(place, r.GetValue(viewers), r.GetValue(rate), r.GetValue(levels)) : null;
    await Scenarios.LiveAsync(Read(r), real, station);
}, streams, seconds, run, window, batch, delay, hop, share, model, providers, stationFolder, viewers, rate, levels);
Add("overload", "The session becomes too slow for a time, and recovers.", r => Scenarios.OverloadAsync(
    Read(r), r.GetValue(load), r.GetValue(calm)), calm, streams, seconds, run, window, batch, delay, hop, share, load);
Add("saturate", "Sound as fast as it is taken: the engine's throughput beside the bare session's.",
    async r =>
    {
        using var real = RealModel.TryOpen(r.GetValue(model), r.GetValue(providers)!);
        await Scenarios.SaturateAsync(Read(r), real);
    }, seconds, run, window, batch, hop, model, providers);
var folder = new Option<string>("--folder") { Description = "store: where it is made.", DefaultValueFactory = _ => "artifacts/store" };
var events = new Option<int>("--events") { Description = "store: in a year.", DefaultValueFactory = _ => 10_000_000 };
Add("store", "Fills a store with a year of events, and times what a page asks of it.", r =>
{
    StoreTrial.Run(r.GetValue(folder)!, r.GetValue(events));
    return Task.CompletedTask;
}, folder, events);
Add("store-find", "Fills a store with events that have embeddings, and times searches for what sounds alike.",
    r => FindTrial.RunAsync(r.GetValue(folder)!, r.GetValue(events)), folder, events);
var recording = new Option<string?>("--recording") { Description = "ring: a WAV file besides noise." };
var kept = new Option<double>("--kept") { Description = "ring: seconds of each stream.", DefaultValueFactory = _ => 20 };
var limit = new Option<long>("--limit") { Description = "ring: bytes.", DefaultValueFactory = _ => 600_000_000 };
Add("ring", "Keeps the last seconds of many streams in memory.", r =>
{
    RingTrial.Run(r.GetValue(streams), r.GetValue(kept), r.GetValue(recording), r.GetValue(limit));
    return Task.CompletedTask;
}, streams, kept, recording, limit);
var kills = new Option<int>("--kills") { DefaultValueFactory = _ => 100 };
Add("store-kills", "Kills a process that writes to a store again and again.",
    r => StoreKills.RunAsync(r.GetValue(folder)!, r.GetValue(kills)), folder, kills);
Add("store-writer", "Writes to a store until it is killed, and says how many events are there; for store-kills.", r =>
{
    StoreKills.Write(r.GetValue(folder)!, r.GetValue(events));
    return Task.CompletedTask;
}, folder, events);
var connections = new Option<int>("--connections") { DefaultValueFactory = _ => 10_000 };
const string tiny = "pipelines/models/ast-audioset-tiny";
Add("station-kills", "Kills a station while it writes events and clips, again and again.",
    r => new StationTrial(r.GetValue(folder)!, r.GetValue(model) ?? tiny).KillAsync(r.GetValue(kills)), folder, model, kills);
Add("station-connections", "Holds a station up with connections that send next to nothing.",
    r => new StationTrial(r.GetValue(folder)!, r.GetValue(model) ?? tiny).ConnectAsync(r.GetValue(connections)), folder, model,
    connections);
Add("unusual", "How often made sites sound unusual on days that nothing was set by, and what is found that does not belong there.", r =>
{
    UnusualTrial.Run(r.GetValue(data)!, r.GetValue(model) ?? "pipelines/models/ast-audioset-tiny");
    return Task.CompletedTask;
}, data, model);
Add("days", "Days of one stream's time as fast as they are taken.", r => Scenarios.DaysAsync(r.GetValue(days)), days);
Add("gate", "What the gate saves and what it misses.",
    r => GateTrial.RunAsync(r.GetValue(data)!, r.GetValue(model) ?? "pipelines/models/ast-audioset-tiny"), data, model);
var folders = new Option<string[]>("--models")
{
    Description = "precision, starts: folders of checkpoints.",
    DefaultValueFactory = _ => ["pipelines/models/ast-audioset-tiny"],
    AllowMultipleArgumentsPerToken = true
};
var openings = new Option<int>("--turns") { DefaultValueFactory = _ => 20 };
Add("starts", "Opens the sessions of some models at once, runs each, and closes them, again and again.", r =>
{
    List<RealModel> models = [.. r.GetValue(folders)!.Select(f => RealModel.TryOpen(f, r.GetValue(providers)!)!)];
    Scenarios.Starts(models, r.GetValue(openings));
    models.ForEach(m => m.Dispose());
    return Task.CompletedTask;
}, folders, providers, openings);
Add("precision", "Logit errors of a GPU's graphs, with its rounding emulated.", r =>
{
    PrecisionTable.Run(r.GetValue(folders)!, batch: 3);
    return Task.CompletedTask;
}, folders);
var batches = new Option<int[]>("--batches") { DefaultValueFactory = _ => [16], AllowMultipleArgumentsPerToken = true };
var depths = new Option<string[]>("--depths")
{
    Description = "all, or how many layers.",
    DefaultValueFactory = _ => ["all"],
    AllowMultipleArgumentsPerToken = true,
};
var again = new Option<bool>("--checkpointing");
var products = new Option<string>("--precision") { DefaultValueFactory = _ => "float32" };
var steps = new Option<int>("--steps") { DefaultValueFactory = _ => 7 };
Add("training-steps", "What a step of training takes, and how much memory.", r =>
{
    TrainingSteps.Run(
        r.GetValue(model) ?? tiny, r.GetValue(providers)!, r.GetValue(batches)!, r.GetValue(depths)!, r.GetValue(again),
        r.GetValue(products)!, r.GetValue(steps));
    return Task.CompletedTask;
}, model, providers, batches, depths, again, products, steps);
var learn = new Option<string>("--learn") { Description = "Labelled clips to learn from.", Required = true };
var measure = new Option<string>("--measure") { Description = "Labelled clips to measure on.", Required = true };
var seeds = new Option<int>("--seeds") { DefaultValueFactory = _ => 5 };
var epochs = new Option<int>("--epochs") { DefaultValueFactory = _ => 12 };
var tuneRate = new Option<double>("--rate") { DefaultValueFactory = _ => 1e-4 };
var last = new Option<int>("--last") { Description = "The last layers alone; 0 for all.", DefaultValueFactory = _ => 0 };
Add("fine-tunes", "A model is fine-tuned with several seeds, and what it begins with is written for torch_ast.py: do both end alike?",
    r => FineTunes.RunAsync(
        r.GetValue(model) ?? tiny, r.GetValue(learn)!, r.GetValue(measure)!, r.GetValue(folder)!, r.GetValue(seeds), r.GetValue(epochs),
        r.GetValue(tuneRate), r.GetValue(last)), model, learn, measure, folder, seeds, epochs, tuneRate, last);
var swaps = new Option<int>("--swaps") { DefaultValueFactory = _ => 100 };
var live = new Option<int>("--streams") { DefaultValueFactory = _ => 200 };
var between = new Option<double>("--every") { Description = "Seconds between two swaps.", DefaultValueFactory = _ => 4 };
Add("model-swaps", "Models take each other's place under live streams: is every window scored once, and how late?",
    r => new SwapTrial(r.GetValue(folder)!, r.GetValue(model) ?? tiny).RunAsync(
        r.GetValue(swaps), r.GetValue(live), r.GetValue(hop), r.GetValue(between)), swaps, live, hop, between, folder, model);
var program = new Option<string>("--program") { DefaultValueFactory = _ => "artifacts/aststream/aststream" };
Add("training-kills", "A training is killed again and again and goes on: does it end with the weights of one that nobody disturbed?",
    r => TrainingKills.RunAsync(r.GetValue(program)!, r.GetValue(folder)!, r.GetValue(kills)), program, folder, kills);
Add("costs", "What the parts of the engine cost on one thread.", r => Costs.RunAsync(r.GetValue(each)), each);
Add("microphones", "Virtual microphones at 48 kHz: processor time and losses.",
    r => CaptureTrials.MicrophonesAsync(r.GetValue(count), r.GetValue(seconds), r.GetValue(latency)), count, seconds, latency);
Add("replug", "A microphone that is unplugged, and a sound server that dies, in turns.", r => CaptureTrials.ReplugAsync(r.GetValue(turns)),
    turns);
Add("reconnect", "A network stream that is cut: how soon it is heard again.", r => CaptureTrials.ReconnectAsync(
    r.GetValue(cuts), r.GetValue(few), r.GetValue(away)!), cuts, few, away);
var servers = new Option<string>("--bootstrap-servers") { DefaultValueFactory = _ => "localhost:9092" };
var keys = new Option<int>("--streams") { DefaultValueFactory = _ => 64 };
var freeze = new Option<int>("--freeze") { Description = "Seconds.", DefaultValueFactory = _ => 60 };
Add("kafka-kills", "A worker is killed again and again: is every event there once?",
    r => KafkaTrials.KillsAsync(r.GetValue(servers)!, r.GetValue(turns), r.GetValue(keys)), servers, turns, keys);
Add("kafka-moves", "Workers come, go and freeze: is every event there once?",
    r => KafkaTrials.MovesAsync(r.GetValue(servers)!, r.GetValue(keys), r.GetValue(freeze)), servers, keys, freeze);
var stop = new Option<string>("--kill") { Description = "A command that kills the broker at once.", Required = true };
var start = new Option<string>("--start") { Description = "A command that starts it again.", Required = true };
var every = new Option<double>("--every") { Description = "Seconds between a start and the next kill.", DefaultValueFactory = _ => 8 };
Add("kafka-broker", "The broker is killed and started again and again under two workers: does one stay "
    + "after?",
    r => KafkaTrials.BrokerKillsAsync(
        r.GetValue(servers)!, r.GetValue(turns), r.GetValue(keys), r.GetValue(stop)!, r.GetValue(start)!, r.GetValue(every)),
    servers, turns, keys, stop, start, every);
Add("kafka-takeover", "A worker dies, inside a transaction and outside, with a name of its own and without: how soon is its partition "
    + "read again?", r => KafkaTrials.TakeoverAsync(r.GetValue(servers)!, r.GetValue(turns)), servers, turns);
var minutes = new Option<double>("--minutes") { DefaultValueFactory = _ => 10 };
Add("kafka-faults", "A mock cluster fails in every way that it can: is every event there?",
    r => KafkaTrials.FaultsAsync(r.GetValue(minutes)), minutes);
var soak = new Option<double>("--minutes") { DefaultValueFactory = _ => 30 };
var kinds = new Option<int>("--each") { Description = "Sources of each of five kinds.", DefaultValueFactory = _ => 6 };
Add("soak", "Sources of all kinds for a long time, disturbed in every way: does coverage join, does memory stay, is no child left?", r =>
    SoakTrial.RunAsync(r.GetValue(soak), r.GetValue(kinds)), soak, kinds);
var megabytes = new Option<int>("--megabytes") { DefaultValueFactory = _ => 2000 };
var rounds = new Option<int>("--turns") { DefaultValueFactory = _ => 3 };
var peer = new Option<string?>("--peer") { Description = "librdkafka's rdkafka_performance, to read the same topic in turns." };
var number = new Option<int>("--events") { DefaultValueFactory = _ => 500_000 };
Add("kafka-ingest", "How fast sound is read from Kafka and decoded.",
    r => KafkaThroughput.IngestAsync(r.GetValue(servers)!, r.GetValue(megabytes), r.GetValue(rounds), r.GetValue(peer)), servers, megabytes,
    rounds, peer);
Add("kafka-publish", "How fast events are written to Kafka.", r => KafkaThroughput.PublishAsync(r.GetValue(servers)!, r.GetValue(number)),
    servers, number);
return await root.Parse(args).InvokeAsync();
