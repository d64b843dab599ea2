using System.CommandLine;
using System.Globalization;
using System.Numerics.Tensors;
using System.Text.Json;
using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Learning;
using AstStream.Learning.Evaluation;
using AstStream.Model.Checkpoints;
using AstStream.Model.Runtime;
using AstStream.Streaming.Telemetry;

namespace AstStream.Worker.Commands;

/// <summary>evaluate clips.</summary>
internal static class EvaluateClips
{
    private static readonly JsonSerializerOptions s_indented = new() { WriteIndented = true };

    public static Command Make(string defaultModel)
    {
        var models = new Argument<string[]>("MODEL")
        {
            Description = "A Hugging Face AST folder; several, one a fold, for cross-validation. The default model where none is given.",
            Arity = ArgumentArity.ZeroOrMore
        };
        var data = new Option<string>("--data")
        {
            Description = "Labelled clips: a table (AudioSet's, too), ESC-50's folder, or a folder with a folder a label.",
            HelpName = "PATH",
            Required = true
        };
        var folds = EvaluateCommands.Folds();
        var view = ViewFlag.Make();
        var json = new Option<bool>("--json") { Description = "One JSON object in place of tables." };
        var html = HtmlFlag.Make();
        var ensemble = new Option<bool>("--ensemble") { Description = "Several models score all clips: the mean of their scores counts." };
        var thresholds = new Option<string?>("--thresholds")
        {
            Description = "Chooses a threshold a class and writes thresholds.json: precision=0.9, f1, or fp-per-hour=1.",
            HelpName = "RULE"
        };
        thresholds.Validators.Add(r =>
        {
            if (r.Tokens.Any(t => ThresholdRule.TryParse(t.Value) is null))
                r.AddError("--thresholds: expected precision=0 to 1, f1, or fp-per-hour=0 or more");
        });
        var to = new Option<string>("--to")
        {
            Description = "The file for --thresholds.",
            HelpName = "FILE",
            DefaultValueFactory = _ => "thresholds.json"
        };
        var flags = new ExecutionFlags(hasGraph: true);
        var command = Help.Add(
            new Command("clips", "Names labelled clips, and says how often that is right.")
            {
                models, data, folds, view, ensemble, json, html, thresholds, to
            },
            $"""
            A table has a header and a row a clip: filename, and category or labels (several with ; between); fold, and src_file or group,
            the recording that a clip is of, where they are known. Paths are relative to the table. In a folder with a folder a label
            testing_list.txt, where it is there, names the clips (Speech Commands). AudioSet's own tables (eval_segments.csv) need
            class_labels_indices.csv beside them, and the sound below their folder, each file called as its video. The first window of a
            clip counts.

            top-1 and top-3 are the shares of clips one of whose labels has the highest score, or one of the three highest; their 95 %
            intervals come from drawing recordings again. mAP and AUC are scikit-learn's average precision and area under the ROC curve,
            the means over the classes that are there; d′ is that of the mean area. With several models the first is measured on the first
            fold (by name), the second on the second, and so on: models that never heard that fold; with --ensemble the mean of their
            scores is measured on all clips.

            Examples:
              aststream evaluate clips --view esc50 --data ESC-50/ --fold 4
              aststream evaluate clips fold1 fold2 fold3 fold4 fold5 --data ESC-50/
              aststream evaluate clips --data my-clips.csv --json
              aststream evaluate clips models/audioset --data audioset/eval_segments.csv
              aststream evaluate clips first second third --ensemble --data kept-out.csv
              aststream evaluate clips --view esc50 --data ESC-50/ --fold 4 --html report.html
              aststream evaluate clips my-model --data kept-out.csv --thresholds precision=0.9 --to my-model/thresholds.json

            {ExitCode.Help}
            """);
        flags.AddTo(command);
        command.SetAction(async (result, stop) =>
        {
            string[] folders = result.GetValue(models) is { Length: > 0 } given ? given : [defaultModel];
            var clips = ClipDataset.Read(result.GetValue(data)!, Errors.Note);
            string[] wanted = result.GetValue(folds)!;
            var there = clips.Select(c => c.Fold).Distinct().Order(StringComparer.Ordinal).ToList();
            if (wanted.FirstOrDefault(f => !there.Contains(f)) is { } missing)
                throw new InvalidTruthException($"--fold {missing}: there is no such fold; expected one of {string.Join(", ", there)}");
            if (wanted.Length > 0)
                clips = [.. clips.Where(c => wanted.Contains(c.Fold))];
            there = [.. clips.Select(c => c.Fold).Distinct().Order(StringComparer.Ordinal)];
            var areTogether = folders.Length == 1 || result.GetValue(ensemble);
            if (!areTogether && folders.Length != there.Count)
                throw new InvalidTruthException(
                    $"{folders.Length} models, and {there.Count} folds ({string.Join(", ", there)}); expected one model, one a fold, or "
                        + $"--ensemble");

            var (heard, labels, failed) = (new HeardClips(), (IReadOnlyList<string>)[], 0);
            foreach (var (i, folder) in folders.Index())
            {
                using var checkpoint = ViewFlag.Open(folder, result.GetValue(view));
                if (i > 0 && !checkpoint.Config.Labels.SequenceEqual(labels))
                    throw new InvalidTruthException($"{folder}: has other labels than {folders[0]}");
                labels = checkpoint.Config.Labels;
                List<LabelledClip> own = [.. clips.Where(c => areTogether || c.Fold == there[i])];
                var options = flags.Read(result, checkpoint.Config);
                failed += await ScoreAsync(checkpoint, options, own, heard, stop).ConfigureAwait(false);
            }

            if (heard.Clips.Count == 0)
                throw new InvalidTruthException($"{result.GetValue(data)}: no clip could be compared");
            var report = new ClipReport(labels, heard.Clips, heard.Means());
            Terminal.Lines(result.GetValue(json) ? Json(report) : Text(report, string.Join(", ", folders)));
            if (result.GetValue(thresholds) is { } rule)
            {
                WriteThresholds(
                    result.GetValue(to)!, ThresholdRule.TryParse(rule)!, rule, report, heard.Seconds / 3600, shows: !result.GetValue(json));
            }

            var isWritten = HtmlFlag.Write(result.GetValue(html), () => ClipHtml.Page(report, string.Join(", ", folders)));
            return !isWritten ? ExitCode.Failed : failed > 0 ? ExitCode.InputsFailed : ExitCode.Ok;
        });
        return command;
    }

    /// <summary>Scores clips; returns how many could not be read.</summary>
    private static async Task<int> ScoreAsync(
        AstCheckpoint checkpoint, AstSessionOptions options, List<LabelledClip> clips, HeardClips heard, CancellationToken stop)
    {
        var known = checkpoint.Config.Labels.ToHashSet(StringComparer.Ordinal);
        var strange = clips.Where(c => !c.Labels.Any(known.Contains)).ToList();
        if (strange.Count > 0)
            Errors.Warn(
                $"{strange.Count} clips have no label of {checkpoint.Name} and are left out: "
                    + string.Join(", ", strange.SelectMany(c => c.Labels).Distinct().Order(StringComparer.Ordinal).Take(10))
                    + (strange.SelectMany(c => c.Labels).Select(checkpoint.ViewWith).FirstOrDefault(v => v is not null) is { } view
                        ? $"; --view {view} has them" : ""));
        using var session = AstSession.Create(checkpoint, options);
        foreach (var warning in session.Warnings)
            Errors.Warn(warning);
        var features = new ClipFeatures(checkpoint);
        var (failed, cut) = (0, 0);
        using var progress = new ProgressLine("scoring", clips.Count - strange.Count);
        var batch = new ClipBatch<(LabelledClip Clip, double Seconds)>(session, (key, logits) =>
        {
            var row = logits.ToArray();
            checkpoint.Config.DefaultActivation.Apply(row);
            heard.Add(key.Clip, key.Seconds, row);
        });
        foreach (var clip in clips.Where(c => c.Labels.Any(known.Contains)))
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                await using var sound = await AudioFile.OpenAsync(clip.Path, stop: stop).ConfigureAwait(false);
                var frames = features.ReadWhole(sound, clip.Path, session.Config.MaxLength);
                cut += frames.IsCut ? 1 : 0;
                batch.Add((clip, frames.Frames.Length / session.Config.NumMelBins * FbankOptions.FrameTime.TotalSeconds), frames);
            }
            catch (InvalidAudioException e)
            {
                progress.Clear();
                Errors.Write(e.Message);
                failed++;
            }

            progress.Step();
        }

        batch.Flush();
        if (cut > 0)
            Errors.Note($"{cut} clips are longer than the model's window: their beginnings count");
        return failed;
    }

    /// <summary>Writes the thresholds of all classes that are there, and shows what they cost.</summary>
    private static void WriteThresholds(
        string path, ThresholdRule rule, string text, ClipReport report, double hours, bool shows)
    {
        var choices = report.Choose(rule, hours);
        var json = JsonSerializer.SerializeToUtf8Bytes(
            new { rule = text, thresholds = choices.ToDictionary(c => c.Key, c => ThresholdRule.AsScore(c.Value.Threshold)) }, s_indented);
        File.WriteAllBytes(path, json);
        Errors.Note($"{path}: thresholds of {choices.Count} classes; what they cost is shown for the clips that they were chosen on");
        if (!shows)
            return;
        List<string> lines = ["", "| class | threshold | precision | recall | false clips an hour |", "|---|---:|---:|---:|---:|"];
        foreach (var (label, c) in choices)
            lines.Add(FormattableString.Invariant(
                $"| {Printable.Text(label)} | {c.Threshold:0.000} | {c.Precision:0.00} | {c.Recall:0.00} | {c.FalsePerHour:0.0} |"));
        Terminal.Lines(string.Join('\n', lines));
    }

    /// <summary>A share and its interval, in percent.</summary>
    internal static string Share((double Share, double Low, double High) s) => string.Create(
        CultureInfo.InvariantCulture, $"{100 * s.Share:0.0} % ({100 * s.Low:0.0} to {100 * s.High:0.0})");

    private static string Text(ClipReport report, string models)
    {
        List<string> lines =
        [
            FormattableString.Invariant($"{Printable.Text(models)}: {report.Clips} clips of {report.Groups} recordings"),
            $"top-1             {Share(report.Top1)}",
            $"top-3             {Share(report.Top3)}",
            FormattableString.Invariant($"mAP               {report.MeanAveragePrecision:0.0000}"),
            FormattableString.Invariant($"AUC               {report.MeanAuc:0.0000}, d\u2032 {report.DPrime:0.000}"),
            "",
            "| class | clips | AP | AUC | recall | precision | most often taken for |",
            "|---|---:|---:|---:|---:|---:|---|",
        ];
        foreach (var c in report.Classes.OrderBy(c => c.AveragePrecision))
        {
            var other = c.TakenFor is { } o ? $"{Printable.Text(o.Label)} ({o.Clips})" : "";
            lines.Add(FormattableString.Invariant(
                $"| {Printable.Text(c.Label)} | {c.Clips} | {c.AveragePrecision:0.000} | {c.Auc:0.000} | {c.Recall:0.00} ")
                + (double.IsNaN(c.Precision) ? $"| | {other} |" : FormattableString.Invariant($"| {c.Precision:0.00} | {other} |")));
        }

        return string.Join('\n', lines);
    }

    private static string Json(ClipReport report)
    {
        static object Share((double Share, double Low, double High) s) => new { share = s.Share, low = s.Low, high = s.High };
        return JsonSerializer.Serialize(new
        {
            clips = report.Clips,
            recordings = report.Groups,
            top1 = Share(report.Top1),
            top3 = Share(report.Top3),
            map = EventTables.Finite(report.MeanAveragePrecision),
            auc = EventTables.Finite(report.MeanAuc),
            d_prime = EventTables.Finite(report.DPrime),
            classes = report.Classes.Select(c => new
            {
                label = c.Label,
                clips = c.Clips,
                average_precision = EventTables.Finite(c.AveragePrecision),
                auc = EventTables.Finite(c.Auc),
                recall = EventTables.Finite(c.Recall),
                precision = EventTables.Finite(c.Precision),
                taken_for = c.TakenFor?.Label,
            }),
        });
    }

    /// <summary>What was heard of all models' clips.</summary>
    private sealed class HeardClips
    {
        private readonly Dictionary<LabelledClip, (float[] Sum, int Models)> _scores =
            new(ReferenceEqualityComparer.Instance);

        /// <summary>In the order in which they were first heard.</summary>
        public List<LabelledClip> Clips { get; } = [];

        public double Seconds { get; private set; }

        /// <summary>Takes a model's scores of a clip.</summary>
        public void Add(LabelledClip clip, double seconds, float[] scores)
        {
            if (_scores.TryGetValue(clip, out var before))
            {
                TensorPrimitives.Add(before.Sum, scores, before.Sum);
                _scores[clip] = (before.Sum, before.Models + 1);
                return;
            }

            Clips.Add(clip);
            Seconds += seconds;
            _scores.Add(clip, (scores, 1));
        }

        /// <summary>The mean scores of each clip over the models that could read it.</summary>
        public List<float[]> Means() => [.. Clips.Select(c => _scores[c]).Select(s => Array.ConvertAll(s.Sum, v => v / s.Models))];
    }
}
