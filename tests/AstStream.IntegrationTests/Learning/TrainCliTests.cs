using System.Text.Json;
using AstStream.Dsp;
using AstStream.Events;
using AstStream.Station.Store;

namespace AstStream.IntegrationTests.Learning;

/// <summary>train and statistics as people run them, on made sounds.</summary>
public sealed class TrainCliTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("aststream-train").FullName;

    private string Data => Path.Combine(_folder, "sounds");

    private string Model => Path.Combine(_folder, "mine");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Train_FolderALabel_WritesAModelThatNamesThemAndSaysHowWell()
    {
        Make();
        var trained = await Cli.RunAsync("train", Data, "--to", Model, "--licence", "cc0-1.0");
        Assert.True(trained.ExitCode == 0, trained.Error);
        Assert.Matches(@"kept out +6 +6 +100\.0 %", trained.Output);

        var info = await Cli.RunAsync("model", "info", Model);
        Assert.Contains("beep", info.Output, StringComparison.Ordinal);
        var evaluated = await Cli.RunAsync("evaluate", "clips", Model, "--data", Data, "--json");
        Assert.True(JsonDocument.Parse(evaluated.Output).RootElement.GetProperty("top1").GetProperty("share").GetDouble() > 0.95);
        var named = await Cli.RunAsync("classify", Path.Combine(Data, "hiss", "3.wav"), "--model", Model, "--json", "--top-k", "1");
        Assert.Contains("\"label\":\"hiss\"", named.Output, StringComparison.Ordinal);
        var card = await File.ReadAllTextAsync(Path.Combine(Model, "README.md"));
        Assert.StartsWith("---\nlibrary_name: transformers\n", card, StringComparison.Ordinal);
        Assert.Contains("license: \"cc0-1.0\"\n", card, StringComparison.Ordinal);
        Assert.Contains("| kept out: 6 clips of 6 recordings | top-1 100.0 %", card, StringComparison.Ordinal);
        Assert.Equal(
            ["beep", "click", "hiss"], JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Model, "thresholds.json"))).RootElement
                .GetProperty("thresholds").EnumerateObject().Select(t => t.Name));
    }

    [Fact]
    public async Task Train_KeepLabels_LeavesTheScoresOfTheBaseAsTheyAre()
    {
        Make();
        var trained = await Cli.RunAsync("train", Data, "--to", Model, "--keep-labels", "--nothing", "hiss", "--nothing", "click");
        Assert.True(trained.ExitCode == 0, trained.Error);

        string[] clip = ["classify", Path.Combine(Data, "hiss", "1.wav"), "--json", "--top-k", "600"];
        var before = Scores((await Cli.RunAsync(clip)).Output);
        var after = Scores((await Cli.RunAsync([.. clip, "--model", Model])).Output);
        Assert.Equal(before.Count + 1, after.Count);
        Assert.All(before, s => Assert.Equal(s.Value, after[s.Key], 1e-5));
        Assert.True(after["beep"] < 0.5);
    }

    [Fact]
    public async Task Train_WhatCantBeLearntFrom_SaysWhyAndWritesNothing()
    {
        Make(clips: 6);
        var broken = Path.Combine(Data, "beep", "broken.wav");
        await File.WriteAllTextAsync(broken, "no sound");
        Directory.CreateDirectory(Path.Combine(Data, "lonely"));
        File.Copy(Path.Combine(Data, "hiss", "0.wav"), Path.Combine(Data, "lonely", "0.wav"));
        var few = await Cli.RunAsync("train", Data, "--to", Model);
        Directory.Delete(Path.Combine(Data, "lonely"), recursive: true);
        var one = await Cli.RunAsync("train", Data, "--to", Model, "--label", "beep", "--nothing", "none");
        var shared = Path.Combine(_folder, "kept");
        Directory.CreateDirectory(Path.Combine(shared, "hiss"));
        File.Copy(Path.Combine(Data, "hiss", "2.wav"), Path.Combine(shared, "hiss", "other.wav"));
        var same = await Cli.RunAsync("train", Data, "--to", Model, "--held-out", shared);
        var fold = await Cli.RunAsync("train", Data, "--to", Model, "--fold", "9");
        var label = await Cli.RunAsync("train", Data, "--to", Model, "--label", "beep", "--label", "hisss");
        var both = await Cli.RunAsync("train", Data, "--to", Model, "--held-out", "0.3", "--held-out-fold", "5");
        Directory.CreateDirectory(Model);
        await File.WriteAllTextAsync(Path.Combine(Model, "there"), "");
        var full = await Cli.RunAsync("train", Data, "--to", Model);

        Assert.Equal(2, few.ExitCode);
        Assert.Contains("broken.wav", few.Error, StringComparison.Ordinal);
        Assert.Contains("too little sound of 'lonely' (1)", few.Error, StringComparison.Ordinal);
        Assert.Contains("every clip has the label 'beep'", one.Error, StringComparison.Ordinal);
        Assert.Contains("other.wav is ", same.Error, StringComparison.Ordinal);
        Assert.Contains("has no fold '9'", fold.Error, StringComparison.Ordinal);
        Assert.Contains("no clip has the label 'hisss'", label.Error, StringComparison.Ordinal);
        Assert.Contains("expected one of them", both.Error, StringComparison.Ordinal);
        Assert.Contains("is not empty", full.Error, StringComparison.Ordinal);
        Assert.Single(Directory.EnumerateFileSystemEntries(Model));
        Assert.All([few, one, same, fold, full], r => Assert.DoesNotContain("   at ", r.Error, StringComparison.Ordinal));
    }

    /// <summary>The last layer, too; what it may not be combined with; and a state that is there.</summary>
    [Fact]
    public async Task Train_DepthOfALayer_WritesTheBestEpochAndSaysHowItWent()
    {
        Make();
        string[] train = ["train", Data, "--to", Model, "--depth", "blocks=1", "--epochs", "2", "--batch", "8"];
        Directory.CreateDirectory(Model + ".training");
        await File.WriteAllTextAsync(Path.Combine(Model + ".training", "state.bin"), "no state");
        var there = await Cli.RunAsync(train);
        var damaged = await Cli.RunAsync([.. train, "--resume"]);
        File.Delete(Path.Combine(Model + ".training", "state.bin"));
        var trained = await Cli.RunAsync(train);
        var deep = await Cli.RunAsync("train", Data, "--to", Model + "2", "--depth", "blocks=7");
        var kept = await Cli.RunAsync(
            "train", Data, "--to", Model + "2", "--depth", "all", "--keep-labels", "--loss", "cross-entropy");
        var replay = await Cli.RunAsync("train", Data, "--to", Model + "2", "--depth", "all", "--replay", Data);
        var silent = await Cli.RunAsync(
            "train", Data, "--to", Model + "2", "--depth", "blocks=1", "--keep-labels", "--replay", Path.Combine(Data, "none"));
        var head = await Cli.RunAsync("train", Data, "--to", Model + "2", "--epochs", "3");
        var half = await Cli.RunAsync("train", Data, "--to", Model + "2", "--depth", "all", "--precision", "bfloat16");
        var rate = await Cli.RunAsync("train", Data, "--to", Model + "2", "--depth", "block=2", "--rate", "-1");

        Assert.Equal(2, there.ExitCode);
        Assert.Contains("holds a training that was cut off; --resume goes on from there", there.Error, StringComparison.Ordinal);
        Assert.Equal(2, damaged.ExitCode);
        Assert.Contains("state.bin: is damaged", damaged.Error, StringComparison.Ordinal);
        Assert.True(trained.ExitCode == 0, trained.Error);
        Assert.Matches(@"(?m)^ +2 +\d\.\d+ +\d\.\d+ ", trained.Output);
        Assert.Matches(@"kept out +6 +6 +100\.0 %", trained.Output);
        Assert.False(Directory.Exists(Model + ".training"));
        Assert.StartsWith("epoch,loss,", await File.ReadAllTextAsync(Path.Combine(Model, "training.csv")), StringComparison.Ordinal);
        Assert.Contains("<svg", await File.ReadAllTextAsync(Path.Combine(Model, "training.html")), StringComparison.Ordinal);
        Assert.Contains(
            "the last 1 layers, and a new head,", await File.ReadAllTextAsync(Path.Combine(Model, "README.md")), StringComparison.Ordinal);
        var named = await Cli.RunAsync("classify", Path.Combine(Data, "hiss", "3.wav"), "--model", Model, "--json", "--top-k", "1");
        Assert.Contains("\"label\":\"hiss\"", named.Output, StringComparison.Ordinal);
        Assert.Contains("--depth blocks=7: the base has 6 layers", deep.Error, StringComparison.Ordinal);
        Assert.Contains("--keep-labels: is for --loss bce", kept.Error, StringComparison.Ordinal);
        Assert.Contains("--replay: is for --keep-labels", replay.Error, StringComparison.Ordinal);
        Assert.Contains("none: is no folder", silent.Error, StringComparison.Ordinal);
        Assert.Contains("--epochs: is for --depth blocks=N or all, or --truth", head.Error, StringComparison.Ordinal);
        Assert.Contains("bfloat16: is for --providers cuda", half.Error, StringComparison.Ordinal);
        Assert.Contains("--depth: found 'block=2'", rate.Error, StringComparison.Ordinal);
        Assert.Contains("--rate: found '-1'", rate.Error, StringComparison.Ordinal);
        Assert.All(
            [there, damaged, deep, kept, replay, silent, head, half, rate],
            r => Assert.DoesNotContain("   at ", r.Error, StringComparison.Ordinal));
    }

    /// <summary>Layers, with the base's labels and its localiser kept by what it says, of the clips and of other sound.</summary>
    [Fact]
    public async Task Train_LayersWithLabelsKept_WritesTheBasesLabelsAndGroupsBeside()
    {
        Make(clips: 10);
        var trained = await Cli.RunAsync(
            "train", Data, "--to", Model, "--depth", "blocks=1", "--epochs", "1", "--keep-labels", "--label", "beep", "--nothing", "hiss",
            "--nothing", "click", "--replay", Path.Combine(Data, "click"));
        Assert.True(trained.ExitCode == 0, trained.Error);

        Assert.Contains("  places    kept ", trained.Output, StringComparison.Ordinal);
        var info = await Cli.RunAsync("model", "info", Model);
        Assert.Contains("532", info.Output, StringComparison.Ordinal);
        var card = await File.ReadAllTextAsync(Path.Combine(Model, "README.md"));
        Assert.Contains("kept, by what the base said of the same sound | 531", card, StringComparison.Ordinal);
        string[] clip = ["classify", Path.Combine(Data, "hiss", "1.wav"), "--json", "--top-k", "600"];
        var before = Scores((await Cli.RunAsync(clip)).Output);
        var after = Scores((await Cli.RunAsync([.. clip, "--model", Model])).Output);
        Assert.Equal(532, after.Count);
        Assert.All(before, s => Assert.Equal(s.Value, after[s.Key], 0.25));
    }

    /// <summary>Recordings with tables beside them, as evaluate scenes makes them.</summary>
    [Fact]
    public async Task Train_RecordingsWithTimes_WritesALocaliserForTheirLabels()
    {
        Make(clips: 8);
        var scenes = Path.Combine(_folder, "scenes");
        var made = await Cli.RunAsync(
            "evaluate", "scenes", "--sounds", Data, "--to", scenes, "--count", "8", "--length", "20", "--events", "4");
        Assert.True(made.ExitCode == 0, made.Error);
        File.Copy(Path.Combine(scenes, "scene-0001.wav"), Path.Combine(scenes, "unheard.wav"));
        File.CreateSymbolicLink(Path.Combine(scenes, "again"), scenes); // a folder that leads back up

        var trained = await Cli.RunAsync("train", scenes, "--truth", scenes, "--to", Model, "--epochs", "2");
        Assert.True(trained.ExitCode == 0, trained.Error);

        Assert.Contains("left out: ", trained.Error, StringComparison.Ordinal);
        Assert.Contains("unheard.wav", trained.Error, StringComparison.Ordinal); // nobody wrote down what is in it
        Assert.Contains("3 labels, a localiser of epoch ", trained.Error + trained.Output, StringComparison.Ordinal);
        using var config = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Model, "config.json")));
        Assert.Equal(
            "[[\"beep\"],[\"click\"],[\"hiss\"]]",
            JsonSerializer.Serialize(config.RootElement.GetProperty("localiser").GetProperty("groups")));
        Assert.Contains(
            "when a label sounds that is there: F1 of columns", await File.ReadAllTextAsync(Path.Combine(Model, "README.md")),
            StringComparison.Ordinal);
        var events = await Cli.RunAsync(
            "evaluate", "events", Path.Combine(scenes, "pipeline.yaml"), "--truth", scenes, "--set", $"model.path={Model}", "--json");
        Assert.True(events.ExitCode == 0, events.Error);
    }

    [Fact]
    public async Task Train_TablesThatDontFit_SayWhatIsWrong()
    {
        Make(clips: 2);
        var tables = Path.Combine(_folder, "tables");
        Directory.CreateDirectory(tables);
        Task<Cli.Result> Train(params string[] more) => Cli.RunAsync(["train", Data, "--truth", tables, "--to", Model, .. more]);
        await File.WriteAllTextAsync(Path.Combine(tables, "other.txt"), "0\t1\tdog\n");
        var other = await Train();
        File.Move(Path.Combine(tables, "other.txt"), Path.Combine(tables, "1.txt"));
        var twice = await Train();
        foreach (var label in (string[])["beep", "click"])
            File.Move(Path.Combine(Data, label, "1.wav"), Path.Combine(Data, label, "more.wav"));
        await File.WriteAllTextAsync(Path.Combine(tables, "1.txt"), "0\t1\tdog\n100\t101\tdog\n");
        var beyond = await Train();
        await File.WriteAllTextAsync(Path.Combine(tables, "1.txt"), "one\ttwo\tdog\n");
        var words = await Train();
        var alone = await Cli.RunAsync("train", "--from-reviews", Data, "--truth", tables, "--to", Model);

        Assert.Contains("holds no recording that the tables are about (other)", other.Error, StringComparison.Ordinal);
        Assert.Contains("have the same name", twice.Error, StringComparison.Ordinal);
        Assert.Contains("'dog' at 100.00 to 101.00 s is beyond the end of", beyond.Error, StringComparison.Ordinal);
        Assert.Contains("1.txt: found 'one | two | dog' in its first line", words.Error, StringComparison.Ordinal);
        Assert.Contains("--truth: says what sounds when in recordings; expected DATA", alone.Error, StringComparison.Ordinal);
        Assert.All([other, twice, beyond, words, alone], r => Assert.Equal(2, r.ExitCode));
        Assert.False(Directory.Exists(Model));
    }

    [Fact]
    public async Task Statistics_OfAFolder_AreMeasuredAndWritten()
    {
        Make(clips: 2, seconds: 1);
        var small = Path.Combine(AppContext.BaseDirectory, "reference/ast-small-16x16-t256");
        var imported = await Cli.RunAsync("model", "import", small, "--to", Model);
        Assert.True(imported.ExitCode == 0, imported.Error);
        var measured = await Cli.RunAsync("statistics", Data, "--to", Model, "--json");

        Assert.True(measured.ExitCode == 0, measured.Error);
        var json = JsonDocument.Parse(measured.Output).RootElement;
        Assert.Equal(6, json.GetProperty("clips").GetInt32());
        var mean = json.GetProperty("padded").GetProperty("mean").GetDouble();
        Assert.Equal(
            mean, JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(Model, "preprocessor_config.json"))).RootElement
                .GetProperty("mean").GetDouble(), 1e-6);
        Assert.NotEqual(mean, json.GetProperty("without_padding").GetProperty("mean").GetDouble(), 1e-3);
        Assert.Equal(0, (await Cli.RunAsync("classify", Path.Combine(Data, "beep", "0.wav"), "--model", Model)).ExitCode); // parity holds
        var empty = await Cli.RunAsync("statistics", Directory.CreateDirectory(Path.Combine(_folder, "empty")).FullName);
        Assert.Equal(2, empty.ExitCode);
        Assert.Contains("holds no file of sound", empty.Error, StringComparison.Ordinal);
    }

    /// <summary>What people said is learnt: right ones, wrong ones as nothing, and others by the name that they gave.</summary>
    [Fact]
    public async Task Train_FromReviews_LearnsWhatPeopleSaid()
    {
        Make(clips: 20);
        var station = Path.Combine(_folder, "station");
        Directory.CreateDirectory(Path.Combine(station, "clips"));
        var empty = await Cli.RunAsync("train", "--from-reviews", station, "--to", Model);
        var day = new DateTimeOffset(2026, 5, 1, 6, 0, 0, TimeSpan.Zero);
        using (var writer = StoreWriter.Open(Path.Combine(station, "events.db"), TimeProvider.System))
        {
            for (var i = 0; i < 60; i++)
            {
                // All were reported as hiss; a third is, a third is a beep, the clicks are nothing. Each stands 2 s into its clip.
                var (kind, number) = (((string[])["hiss", "beep", "click"])[i % 3], i / 3);
                var (id, stream) = ($"{i + 0x10000000:x8}", new StreamIdentity("yard", "yards", day.AddDays(number % 5)));
                writer.Add(new SoundEvent(id, EventState.Closed, stream, "model", "hiss", (60 * i) + 2, (60 * i) + 5, 0.9f, 0.8f));
                writer.Commit();
                File.Copy(Path.Combine(Data, kind, $"{number}.wav"), Path.Combine(station, "clips", $"{id}.wav"));
                var (rate, samples) = (16_000, 48_000);
                writer.Add([new StoredClip(id, stream, ((60 * i) + 2) * rate, rate, samples, i == 0 ? "../secret.wav" : $"{id}.wav", 9)
                {
                    Events = [id],
                }]);
                var verdict = kind switch
                {
                    "hiss" => ReviewVerdict.Right,
                    "beep" => ReviewVerdict.OtherLabel,
                    _ => ReviewVerdict.Wrong,
                };
                if (i < 57)
                    writer.Add(new Review(id, verdict, verdict == ReviewVerdict.OtherLabel ? "beep" : null, "ann", day.AddDays(9)));
            }
        }

        var trained = await Cli.RunAsync("train", "--from-reviews", station, "--to", Model, "--keep-labels", "false", "--held-out", "0");
        var neither = await Cli.RunAsync("train", "--to", Model + "2");

        Assert.Equal(2, empty.ExitCode);
        Assert.Contains("events.db", empty.Error, StringComparison.Ordinal);
        Assert.True(trained.ExitCode == 0, trained.Error);
        Assert.Contains("1 reviewed events have no clip (any more)", trained.Error, StringComparison.Ordinal);
        Assert.Matches(@"hiss +18 +38 +5 +3", trained.Output);
        Assert.Matches(@"beep +19 +0 +5 +0", trained.Output);
        Assert.Contains("More reviews would help", trained.Error, StringComparison.Ordinal);
        Assert.Contains("the reviews of station", await File.ReadAllTextAsync(Path.Combine(Model, "README.md")), StringComparison.Ordinal);
        var click = Scores((await Cli.RunAsync("classify", Path.Combine(Data, "click", "19.wav"), "--model", Model, "--json")).Output);
        var beep = Scores((await Cli.RunAsync("classify", Path.Combine(Data, "beep", "19.wav"), "--model", Model, "--json")).Output);
        Assert.All(click.Values, s => Assert.True(s < 0.5, $"{s}"));
        Assert.True(beep["beep"] > 0.5 && beep["hiss"] < 0.5);
        Assert.Contains("expected DATA, --from-reviews DIR, or both", neither.Error, StringComparison.Ordinal);

        // The base's labels are kept, and they are learnt near it. What is under its thresholds was not reported, and nobody judged it.
        var near = await Cli.RunAsync("train", "--from-reviews", station, "--base", Model, "--to", Model + "3", "--held-out", "0");
        Assert.True(near.ExitCode == 0, near.Error);
        Assert.Contains("2 labels, fitted in", near.Error, StringComparison.Ordinal);
        Assert.Contains("a ridge of 1e-1", near.Error, StringComparison.Ordinal);
        JsonElement Thresholds(string model) =>
            JsonDocument.Parse(File.ReadAllText(Path.Combine(model, "thresholds.json"))).RootElement;
        Assert.Equal("reviews", Thresholds(Model + "3").GetProperty("rule").GetString());
        Assert.All(["beep", "hiss"], l => Assert.True(Of(Model + "3", l) >= Of(Model, l)));
        double Of(string model, string label) => Thresholds(model).GetProperty("thresholds").GetProperty(label).GetDouble();

        // Scores that depend on one another can't be kept beside others.
        var config = Path.Combine(Model + "3", "config.json");
        await File.WriteAllTextAsync(
            config, (await File.ReadAllTextAsync(config)).Replace("multi_label", "single_label", StringComparison.Ordinal));
        var single = await Cli.RunAsync("train", "--from-reviews", station, "--base", Model + "3", "--to", Model + "4");
        Assert.Equal(2, single.ExitCode);
        Assert.Contains("or --keep-labels false", single.Error, StringComparison.Ordinal);
    }

    private static Dictionary<string, double> Scores(string json) => JsonDocument.Parse(json).RootElement.GetProperty("results")
        .EnumerateArray().ToDictionary(r => r.GetProperty("label").GetString()!, r => r.GetProperty("score").GetDouble());

    /// <summary>Beeps, hiss and clicks, no two alike.</summary>
    private void Make(int clips = 10, int seconds = 3)
    {
        foreach (var (kind, label) in ((string[])["beep", "hiss", "click"]).Index())
        {
            var folder = Directory.CreateDirectory(Path.Combine(Data, label)).FullName;
            for (var i = 0; i < clips; i++)
            {
                var random = new Random((kind * 100) + i);
                var (pitch, level) = (400 + (random.NextDouble() * 2000), 0.1 + (0.4 * random.NextDouble()));
                var samples = new float[seconds * 16_000];
                for (var s = 0; s < samples.Length; s++)
                {
                    samples[s] = (float)(level * (kind switch
                    {
                        0 => Math.Sin(2 * Math.PI * pitch * s / 16_000) * (s % 8000 < 4000 ? 1 : 0),
                        1 => (random.NextDouble() * 2) - 1,
                        _ => Math.Exp(-(s % (int)pitch) / 20.0) * (s % 2 == 0 ? 1 : -1),
                    }) + (0.001 * (random.NextDouble() - 0.5)));
                }

                using var wav = new WavWriter(Path.Combine(folder, $"{i}.wav"), 16_000, 1);
                wav.Write(samples);
            }
        }
    }
}
