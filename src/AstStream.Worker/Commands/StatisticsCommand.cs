using System.CommandLine;
using System.Text.Json;
using AstStream.Connectors.Files;
using AstStream.Dsp;
using AstStream.Learning;
using AstStream.Learning.Evaluation;
using AstStream.Learning.Statistics;
using AstStream.Model.Checkpoints;
using AstStream.Model.Import;
using AstStream.Model.Runtime;

namespace AstStream.Worker.Commands;

/// <summary>statistics: the mean and std of log-mel that a model's input is normalised by.</summary>
internal static class StatisticsCommand
{
    public static IEnumerable<Command> All(string defaultModel)
    {
        var data = new Argument<string>("PATH") { Description = "A folder of sound, at any depth, or a table of clips." };
        var model = new Option<string>("--model")
        {
            Description = "The model whose window and mel bins count; the default model where neither it nor --to is given.",
            HelpName = "DIR",
            DefaultValueFactory = _ => defaultModel,
        };
        var to = new Option<string?>("--to")
        {
            Description = "Writes them into this model's preprocessor_config.json: for a model that is trained on this sound next.",
            HelpName = "DIR",
        };
        var unpadded = new Option<bool>("--without-padding") { Description = "With --to: those without padding." };
        var json = new Option<bool>("--json") { Description = "One JSON object in place of the table." };
        var command = Help.Add(
            new Command("statistics", "Measures mean and standard deviation of log-mel, as fine-tuning wants them.")
            {
                data, model, to, unpadded, json,
            },
            $"""
            Padded: each clip cut or padded with 0 to the model's window, as the AST authors' get_norm_stats takes it (means over each 1,000
            clips; without its masks, and as transformers' extractor takes sound, whose mean is not subtracted). Without padding: over the
            frames of sound alone. A model's scores hold for the statistics that it was trained with: --to is for before a training.

            Examples:
              aststream statistics recordings/
              aststream statistics train.csv --model models/audioset --json
              aststream statistics train.csv --to models/mine

            {ExitCode.Help}
            """);
        command.SetAction((result, _) => StopSignal.GuardAsync(async stop =>
        {
            var target = result.GetValue(to);
            using var checkpoint = AstCheckpoint.OpenForOutputs(target ?? result.GetValue(model)!);
            var window = checkpoint.Config.MaxLength;
            var statistics = new FeatureStatistics(window, checkpoint.Config.NumMelBins);
            var failed = await MeasureAsync(
                result.GetValue(data)!, statistics, new ClipFeatures(checkpoint), window, stop).ConfigureAwait(false);
            if (statistics.Frames == 0)
                throw new InvalidTruthException($"{result.GetValue(data)}: holds no sound that can be measured");
            Terminal.Lines(result.GetValue(json) ? Json(statistics, window, failed) : Text(statistics, window));
            if (target is not null)
            {
                var (mean, std) = result.GetValue(unpadded) ? statistics.Unpadded : statistics.Padded;
                CheckpointStatistics.Write(target, mean, std, AstSessionOptions.DefaultCacheFolder);
                Errors.Note(FormattableString.Invariant(
                    $"{target}: mean {mean:0.0000} and std {std:0.0000}; its weights were trained with others, so train it next"));
            }

            return failed > 0 ? ExitCode.InputsFailed : ExitCode.Ok;
        }));
        yield return command;
    }

    /// <summary>Measures all files; returns how many could not be read.</summary>
    private static async Task<int> MeasureAsync(
        string path, FeatureStatistics statistics, ClipFeatures features, int window, CancellationToken stop)
    {
        var files = Files(path);
        var failed = 0;
        using var progress = new ProgressLine("measuring", files.Count);
        foreach (var file in files)
        {
            stop.ThrowIfCancellationRequested();
            try
            {
                await using var sound = await AudioFile.OpenAsync(file, stop: stop).ConfigureAwait(false);
                statistics.Add(features.ReadWhole(sound, file, window).Frames);
            }
            catch (InvalidAudioException e)
            {
                progress.Clear();
                Errors.Write(e.Message);
                failed++;
            }

            progress.Step();
        }

        return failed;
    }

    private static IReadOnlyList<string> Files(string path)
    {
        if (!Directory.Exists(path))
            return [.. ClipDataset.Read(path, Errors.Note).Select(c => c.Path)];
        var files = ClipDataset.SoundBelow(path);
        return files.Count > 0 ? files : throw new InvalidTruthException($"{path}: holds no file of sound");
    }

    private static string Text(FeatureStatistics s, int window) => string.Join(
        '\n',
        FormattableString.Invariant($"clips             {s.Clips}, {s.Frames * FbankOptions.FrameTime.TotalHours:0.00} h"),
        FormattableString.Invariant($"padded            mean {s.Padded.Mean:0.0000}, std {s.Padded.Std:0.0000} (to {window} frames)"),
        FormattableString.Invariant($"without padding   mean {s.Unpadded.Mean:0.0000}, std {s.Unpadded.Std:0.0000}"));

    private static string Json(FeatureStatistics s, int window, int failed) => JsonSerializer.Serialize(new
    {
        clips = s.Clips,
        failed,
        frames = s.Frames,
        window,
        padded = new { mean = s.Padded.Mean, std = s.Padded.Std },
        without_padding = new { mean = s.Unpadded.Mean, std = s.Unpadded.Std },
    });
}
