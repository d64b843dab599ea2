using System.CommandLine;
using System.CommandLine.Parsing;
using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.Json;
using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Training;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Runtime;

namespace AstStream.Worker.Commands;

/// <summary>train: a model for labels of one's own.</summary>
internal static class TrainCommand
{
    private const string Balanced = "balanced";

    // Cross-validation over a site's own events, which sound alike, would take a smaller one: other sounds suffer then.
    private const double NearRidge = 0.1;

    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static IEnumerable<Command> All(string defaultModel)
    {
        var data = new Argument<string?>("DATA")
        {
            Description = "Labelled clips: a folder with a folder a label, a table, or ESC-50's folder; with --truth recordings.",
            Arity = ArgumentArity.ZeroOrOne,
        };
        var reviews = new Option<string?>("--from-reviews")
        {
            Description = "A station's folder: the events that people judged, with or without DATA besides. Keeps the base's labels, "
                + "unless --keep-labels false is given.",
            HelpName = "DIR",
        };
        var truth = new Option<string?>("--truth")
        {
            Description = "What sounds when in DATA's recordings: tables as evaluate events takes them. A localiser is trained, too.",
            HelpName = "PATH",
        };
        var to = new Option<string>("--to")
        {
            Description = "The folder to write: one that does not exist yet, or an empty one.",
            HelpName = "DIR",
            Required = true,
        };
        var model = new Option<string>("--base")
        {
            Description = "The model that it is trained from; the default model where it is not given.",
            HelpName = "DIR",
            DefaultValueFactory = _ => defaultModel,
        };
        var keep = new Option<bool?>("--keep-labels")
        {
            Description = "Adds the labels to those of the base, which stay as they are; with layers that are trained, as near as can be. "
                + "true is the default with --from-reviews, false without.",
        };
        var labels = new Option<string[]>("--label")
        {
            Description = "Only clips of this label. May be given several times.",
            HelpName = "NAME",
            DefaultValueFactory = _ => [],
        };
        var nothing = new Option<string[]>("--nothing")
        {
            Description = "A label that stands for nothing: its clips have none of the others.",
            HelpName = "NAME",
            DefaultValueFactory = _ => [.. new HeadOptions().Nothing],
        };
        var folds = EvaluateCommands.Folds();
        var heldOut = new Option<string>("--held-out")
        {
            Description = "What is measured on: a share of the recordings (0.2 by default, 0 for none), or labelled clips.",
            HelpName = "SHARE|PATH",
            DefaultValueFactory = _ => "0.2",
        };
        var heldOutFolds = new Option<string[]>("--held-out-fold")
        {
            Description = "What is measured on: a fold of the data. May be given several times.",
            HelpName = "NAME",
            DefaultValueFactory = _ => [],
        };
        var weights = new Option<string?>("--class-weights")
        {
            Description = "balanced, the default: where a label is there and where it is not count the same in all; none, the default "
                + "with --from-reviews: each clip counts the same.",
        };
        ExecutionFlags.OneOf(weights, Balanced, "none");
        var rule = new Option<string>("--thresholds")
        {
            Description = "How a label's threshold is chosen: f1 (the default) or precision=0.9. By default a head with --from-reviews "
                + "that keeps the base's labels gets those with the fewest mistakes on what people judged.",
            HelpName = "RULE",
            DefaultValueFactory = _ => "f1",
        };
        rule.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => ThresholdRule.TryParse(t.Value) is null or { Kind: ThresholdRule.Rule.FalsePerHour }))
                r.AddError("--thresholds: expected f1 or precision=0 to 1");
        });
        var licence = new Option<string?>("--licence") { Description = "The model's licence, for its card.", HelpName = "NAME" };
        var flags = new ExecutionFlags(hasGraph: false);
        var deep = new TrainFlags();
        var command = Help.Add(
            new Command("train", "Trains a model for your own labels, and says how good it is.")
            {
                data, reviews, truth, to, model, keep, labels, nothing, folds, heldOut, heldOutFolds, weights, rule, licence,
            },
            $"""
            A linear head on the base's embeddings, which are computed once and kept by the files' content; with --depth blocks=N or all
            the transformer's own layers, too, from that head on. Clips are short pieces of sound, 20 or more a label,
            of different recordings; sounds that are none of the labels go in a folder called nothing. Of a clip that is
            longer than the model's window up to {ClipEmbedder.MostWindows} windows are learnt from, and the first one is measured.

            Recordings (src_file or group in a table) are never split: figures are of recordings that the head was not fitted on, and clips
            with the same sound count as one recording. The folder that is written is a Hugging Face checkpoint, with thresholds.json,
            parity.json and a card (README.md) that holds the figures.

            Examples:
              aststream train my-sounds/ --to models/mine
              aststream train clips.csv --to models/mine --held-out kept-out.csv --licence cc-by-nc-4.0
              aststream train my-sounds/ --to models/more --keep-labels
              aststream train --from-reviews station/ --to models/site
              aststream train recordings/ --truth labels/ --to models/when
              aststream train ESC-50/ --to models/esc --fold 1 --fold 2 --fold 3 --held-out-fold 5
              aststream train my-sounds/ --to models/deep --depth blocks=2 --epochs 30
              aststream train my-sounds/ --to models/deep --depth all --rooms irs/ --noise cafe/ --resume
              aststream train my-sounds/ --to models/both --depth blocks=2 --keep-labels --replay station/clips/

            {ExitCode.Help}
            """);
        bool Keeps(SymbolResult r) => r.GetValue(keep) ?? r.GetResult(reviews) is not null;
        deep.AddTo(command, truth, Keeps);
        flags.AddTo(command, hasWindow: false);
        command.Validators.Add(r =>
        {
            if (r.GetResult(data) is null && r.GetResult(reviews) is null)
                r.AddError("expected DATA, --from-reviews DIR, or both");
            if (r.GetResult(heldOut) is { Implicit: false } && r.GetResult(heldOutFolds) is { Implicit: false })
                r.AddError("--held-out and --held-out-fold both say what is measured on; expected one of them");
            if (r.GetResult(truth) is not null && r.GetResult(data) is null)
                r.AddError("--truth: says what sounds when in recordings; expected DATA to be these");
        });
        command.SetAction((result, _) => StopSignal.GuardAsync(async stop =>
        {
            CheckpointImport.CheckTarget(result.GetValue(to)!);
            var nothings = result.GetValue(nothing)!;
            using var checkpoint = AstCheckpoint.OpenForOutputs(result.GetValue(model)!);
            using var pieces = new Pieces();
            var window = checkpoint.Config.MaxLength * FbankOptions.FrameTime.TotalSeconds;
            var keeper = new KeptLabels(checkpoint, Keeps(result.CommandResult));
            var isStepped = deep.IsDeep(result.CommandResult) || result.GetValue(truth) is not null;
            var sounds = result.GetValue(reviews) is not { } station ? null
                : new ReviewedSounds(ReviewedSounds.Read(station), pieces, window, nothings[0]);
            var isNear = sounds is not null && keeper.Prior is not null && !isStepped; // a head that stays near the base's
            IReadOnlyList<LabelledClip> judged = sounds is null ? []
                : isNear ? await sounds.CutAloneAsync(keeper.Prior!.Labels, stop).ConfigureAwait(false)
                : await sounds.CutAsync(stop).ConfigureAwait(false);
            var (read, uncut) = (result.GetValue(data), result.GetValue(truth)) switch
            {
                (null, _) => ([], 0),
                ({ } recordings, { } tables) => await TimedSounds.CutAsync(recordings, tables, pieces, window, nothings[0], stop)
                    .ConfigureAwait(false),
                ({ } clips, null) => (ClipDataset.Read(clips, Errors.Note, isTraining: true), 0),
            };
            var given = TrainData.Choose(
                judged, read, result.GetValue(data) ?? "the reviews", result.GetValue(folds)!, result.GetValue(heldOutFolds)!,
                result.GetValue(heldOut)!, result.GetValue(labels)!, nothings);
            var options = new HeadOptions
            {
                Nothing = nothings,
                IsBalanced = (result.GetValue(weights) ?? (judged.Count > 0 ? "none" : Balanced)) == Balanced,
                HeldOut = given.Share,
                Prior = keeper.Prior,
                Thresholds = isNear && result.GetResult(rule) is { Implicit: true } ? null : ThresholdRule.TryParse(result.GetValue(rule)!),
            };
            if (isNear)
                options = options with { LeastThresholds = sounds!.LeastThresholds(keeper.Prior!.Labels, keeper.OwnThreshold) };
            if (isNear && read.Count == 0)
                options = options with { Ridge = NearRidge };
            var card = new ModelCard
            {
                Name = NameOf(result.GetValue(to)!),
                Base = checkpoint.Name,
                BaseHash = checkpoint.Hash,
                Data = string.Join(" and ", ((string?[])[
                    result.GetValue(reviews) is { } place ? $"the reviews of {NameOf(place)}" : null,
                    result.GetValue(data) is { } from ? NameOf(from) : null]).OfType<string>()),
                Licence = result.GetValue(licence),
                At = TimeProvider.System.GetUtcNow(),
            };
            var execution = flags.Read(result, checkpoint.Config);
            if (isStepped)
                return await new TrainTransformer(deep, result, checkpoint, execution, options, card, keeper, result.GetValue(rule)!)
                    .RunAsync(given, result.GetValue(to)!, stop).ConfigureAwait(false) is var code && code == ExitCode.Ok && uncut > 0
                        ? ExitCode.InputsFailed : code;
            var (train, heldOutClips, failed) = await EmbedAsync(checkpoint, execution, given.Train, given.HeldOut, stop)
                .ConfigureAwait(false);
            var watch = Stopwatch.StartNew();
            var head = await FitAsync(options, checkpoint, train, heldOutClips, stop).ConfigureAwait(false);
            head = head with { Thresholds = keeper.NotUnder(head.Labels, head.Thresholds, options.LeastThresholds) };
            var written = keeper.Join(head.Labels, head.Head);
            card = card with { Kept = written.Labels.Count - head.Labels.Count };
            var localiser = CheckpointLocaliser.Config(checkpoint, written.Labels, keeper.Groups([]), []);
            CheckpointTraining.Write(
                checkpoint, CheckpointTraining.Config(checkpoint, written.Labels, isMultiLabel: true, localiser),
                CheckpointHead.Tensors(checkpoint, written), result.GetValue(to)!, new Dictionary<string, byte[]>
                {
                    ["README.md"] = Encoding.UTF8.GetBytes(card.Of(head)),
                    ["thresholds.json"] = Thresholds(
                        options.Thresholds is null ? "reviews" : result.GetValue(rule)!, written.Labels,
                        keeper.Thresholds(head.Labels, head.Thresholds)),
                },
                AstSessionOptions.DefaultCacheFolder);
            Show(head, result.GetValue(to)!, string.Create(CultureInfo.InvariantCulture, $"fitted in {watch.Elapsed.TotalSeconds:0.0} s"));
            return failed > 0 ? ExitCode.InputsFailed : ExitCode.Ok;
        }));
        yield return command;
    }

    /// <summary>A head on embeddings.</summary>
    public static async Task<TrainedHead> FitAsync(
        HeadOptions options, AstCheckpoint checkpoint, IReadOnlyList<EmbeddedClip> clips, IReadOnlyList<EmbeddedClip>? heldOut,
        CancellationToken stop)
    {
        using var progress = new ProgressLine("fitting", 100);
        var training = new HeadTraining(options, CheckpointHead.Norm(checkpoint));
        return await Task.Run(() => training.Train(clips, heldOut, done => progress.Report((long)(100 * done)), stop), stop)
            .ConfigureAwait(false);
    }

    /// <summary>thresholds.json.</summary>
    public static byte[] Thresholds(string rule, IReadOnlyList<string> labels, IReadOnlyList<double?> thresholds) =>
        JsonSerializer.SerializeToUtf8Bytes(
            new
            {
                rule,
                thresholds = labels.Zip(thresholds).Where(t => t.Second is not null)
                    .ToDictionary(t => t.First, t => ThresholdRule.AsScore(t.Second!.Value)),
            },
            s_indented);

    /// <summary>The embeddings of clips, and how many can't be read.</summary>
    public static async Task<(List<EmbeddedClip> Train, List<EmbeddedClip>? HeldOut, int Failed)> EmbedAsync(
        AstCheckpoint checkpoint, AstSessionOptions options, IReadOnlyList<LabelledClip> train, IReadOnlyList<LabelledClip>? heldOut,
        CancellationToken stop)
    {
        using var embedder = new ClipEmbedder(checkpoint, options, AstSessionOptions.DefaultCacheFolder);
        foreach (var warning in embedder.Warnings)
            Errors.Warn(warning);
        List<LabelledClip> around = [.. train.Where(c => c.Around is not null).Select(c => c with { Path = c.Around!, Around = null })];
        using var progress = new ProgressLine("embedding", train.Count + around.Count + (heldOut?.Count ?? 0));
        var failed = 0;
        async Task<List<EmbeddedClip>> Embed(IReadOnlyList<LabelledClip> clips)
        {
            var embedded = new List<EmbeddedClip>();
            await foreach (var clip in embedder.EmbedAsync(
                clips, static async (path, stop) => await AudioFile.OpenAsync(path, stop: stop).ConfigureAwait(false),
                (_, why) =>
                {
                    progress.Clear();
                    Errors.Write(why);
                    failed++;
                }, stop).ConfigureAwait(false))
            {
                embedded.Add(clip);
                progress.Step();
            }

            return embedded;
        }

        var learnt = await Embed(train).ConfigureAwait(false);
        var byPath = (await Embed(around).ConfigureAwait(false)).ToDictionary(c => c.Clip.Path, StringComparer.Ordinal);
        learnt = [.. learnt.Select(c => c.Clip.Around is { } path && byPath.TryGetValue(path, out var more)
            ? c with { Windows = [c.Windows[0], more.Windows[0]] } : c)];
        return (learnt, heldOut is null ? null : await Embed(heldOut).ConfigureAwait(false), failed);
    }

    /// <summary>Shows what a head is worth.</summary>
    public static void Show(TrainedHead head, string folder, string how)
    {
        TrainTables.ShowReports(("cross-validated", head.CrossValidated), ("kept out", head.HeldOut));
        TrainTables.ShowLabels(head.Labels, head.Thresholds, head.HeldOut ?? head.CrossValidated);
        Terminal.Status(string.Create(
            CultureInfo.InvariantCulture,
            $"{folder}: {head.Labels.Count} labels, {how} with a ridge of {head.Ridge:0e0}"));
    }

    private static string NameOf(string path) => Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(path)));
}
