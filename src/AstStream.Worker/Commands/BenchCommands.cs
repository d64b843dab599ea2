using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;

namespace AstStream.Worker.Commands;

/// <summary>bench model.</summary>
internal static class BenchCommands
{
    public static IEnumerable<Command> All()
    {
        yield return Help.Add(new Command("bench", "Measures this machine.") { Model() }, """
            Example:
              aststream bench model --random base --precision float32,int8 --batch 1
            """);
    }

    private static Command Model()
    {
        var folder = new Argument<string?>("DIR") { Description = "A Hugging Face AST folder.", Arity = ArgumentArity.ZeroOrOne };
        var random = new Option<string?>(
            "--random")
        {
            Description = "In place of DIR: a checkpoint of a published size with seeded random weights.",
            HelpName = string.Join("|", RandomCheckpoint.Sizes)
        };
        ExecutionFlags.OneOf(random, [.. RandomCheckpoint.Sizes]);
        var attention = new Option<string>(
            "--attention")
        { Description = "eager, sdpa, or both.", HelpName = "LIST", DefaultValueFactory = _ => "eager,sdpa" };
        attention.Validators.Add(r => ExecutionFlags.Check<AttentionImplementation>(r, "--attention"));
        var precision = new Option<string>(
            "--precision")
        { Description = "float32, float16, bfloat16, int8.", HelpName = "LIST", DefaultValueFactory = _ => "float32" };
        precision.Validators.Add(r => ExecutionFlags.Check<ModelPrecision>(r, "--precision"));
        var batch = new Option<string>("--batch") { Description = "Batch sizes.", HelpName = "LIST", DefaultValueFactory = _ => "1,2,4,8" };
        batch.Validators.Add(r =>
        {
            if (r.Tokens.SelectMany(t => t.Value.Split(',')).Any(n => Batch(n) is null))
                r.AddError($"--batch: expected whole numbers from 1 to {AstSessionOptions.MaxBatchSize}, with commas between");
        });
        var runs = new Option<int>(
            "--runs")
        { Description = "Timed runs of each; the median counts.", HelpName = "N", DefaultValueFactory = _ => 7 };
        ExecutionFlags.Validate(runs, 1, 100_000);
        var packed = new Option<bool>("--packed-qkv") { Description = "One product for queries, keys and values on cuda, not three." };
        var json = new Option<bool>("--json") { Description = "One JSON line for each line of the table." };
        var flags = new ExecutionFlags(hasGraph: false);
        var command = Help.Add(
            new Command("model", "Times a model by batch size, precision and attention.")
            {
                folder, random, attention, precision, batch, runs, packed, json,
            },
            $"""
            The table of the AST documentation: batch size, time of a run with eager and with sdpa attention, speed-up; then windows and
            multiply-accumulates per second of the faster one, and their share of what a plain matrix product reaches in this precision on
            this machine. All that is compared takes turns, run by run. The logit error is that of the parity check.

            Examples:
              aststream bench model pipelines/models/ast-audioset-tiny --precision float32,int8
              aststream bench model --random base --batch 1 --frequency-stride 16 --time-stride 16
              aststream bench model --random base --providers cuda --precision float16 --batch 1,2,4,8,16,32,64

            {ExitCode.Help}
            """);
        flags.AddTo(command);
        command.Validators.Add(r =>
        {
            if (r.GetResult(folder) is { Tokens.Count: > 0 } == (r.GetResult(random) is not null))
                r.AddError("expected either DIR or --random");
        });
        command.SetAction(result =>
        {
            var path = result.GetValue(random) is { } size ? MakeRandom(size) : result.GetValue(folder)!;
            using var checkpoint = AstCheckpoint.Open(path);
            var options = flags.Read(result, checkpoint.Config) with { PackQkv = result.GetValue(packed) };
            var attentions = ExecutionFlags.List<AttentionImplementation>(result.GetValue(attention)!)
                .Distinct().OrderByDescending(a => a).ToList();
            var isJson = result.GetValue(json);
            var isBegun = isJson;
            foreach (var line in ModelBenchmark.Run(
                checkpoint, options, [.. ExecutionFlags.List<ModelPrecision>(result.GetValue(precision)!).Distinct()], attentions,
                    [.. result.GetValue(batch)!.Split(',').Select(n => Batch(n)!.Value).Distinct()], result.GetValue(runs), Step,
                    Errors.Warn))
            {
                Step("");
                if (!isBegun)
                    WriteHead(checkpoint, options, line, attentions);
                isBegun = true;
                Terminal.Line(isJson ? Json(checkpoint.Name, line) : Row(line, attentions));
            }

            return ExitCode.Ok;
        });
        return command;
    }

    private static string MakeRandom(string size)
    {
        Step($"making a random {size} checkpoint");
        return RandomCheckpoint.GetOrMake(size, AstSessionOptions.DefaultCacheFolder);
    }

    private static void WriteHead(
        AstCheckpoint checkpoint, AstSessionOptions options, BenchmarkLine first, List<AttentionImplementation> attentions)
    {
        var config = options.Config!;
        Terminal.Line(string.Create(
            CultureInfo.InvariantCulture,
            $"{checkpoint.Name}: {config.Tokens} tokens, {config.MacsPerWindow / 1e9:0.0} GMAC a window, {config.MacsForLogits / 1e9:0.0} "
                + $"of them needed for its logits and counted, on {first.Provider.Word()}; {ModelBenchmark.Machine(options)}"));
        Terminal.Line("");
        string[] titles = ["precision", "batch", .. attentions.Select(a => $"{a.Word()} ms"),
            .. attentions.Count > 1 ? ["speed-up"] : Array.Empty<string>(), "windows/s", "GMAC/s", "of matmul peak", "logit error"];
        Terminal.Line($"| {string.Join(" | ", titles)} |");
        Terminal.Line($"|{string.Concat(titles.Select((_, i) => i == 0 ? "---|" : "---:|"))}");
    }

    private static string Row(BenchmarkLine line, List<AttentionImplementation> attentions)
    {
        static string Text(FormattableString text) => FormattableString.Invariant(text);
        var error = line.ParityErrors.Values.Max();
        string[] cells =
        [
            line.Precision.Word(), $"{line.Batch}",
            .. attentions.Select(a => line.Milliseconds.TryGetValue(a, out var ms) ? Text($"{ms:0.0}") : "-"),
            .. attentions.Count > 1
                ? [line.Milliseconds.Count > 1 ? Text($"{line.Milliseconds[attentions[0]] / line.Milliseconds[attentions[1]]:0.00}") : "-"]
                : Array.Empty<string>(),
            Text($"{line.WindowsPerSecond:0.###}"), Text($"{line.MacsPerSecond / 1e9:0.0}"),
                double.IsNaN(line.ShareOfPeak) ? "-" : Text($"{line.ShareOfPeak * 100:0} %"),
                error is { } e ? Text($"{e:0.00000}") : "not compared",
        ];
        return $"| {string.Join(" | ", cells)} |";
    }

    private static string Json(string model, BenchmarkLine line)
    {
        using var memory = new MemoryStream();
        using (var json = new Utf8JsonWriter(memory))
        {
            json.WriteStartObject();
            json.WriteString("model", model);
            json.WriteString("provider", line.Provider.Word());
            json.WriteString("precision", line.Precision.Word());
            json.WriteNumber("batch", line.Batch);
            foreach (var (attention, milliseconds) in line.Milliseconds)
                json.WriteNumber($"{attention.Word()}_ms", milliseconds);
            foreach (var (attention, error) in line.ParityErrors)
            {
                if (error is { } value)
                    json.WriteNumber($"{attention.Word()}_logit_error", value);
            }

            json.WriteNumber("windows_per_second", line.WindowsPerSecond);
            json.WriteNumber("macs_per_second", line.MacsPerSecond);
            if (double.IsFinite(line.MatmulPeak))
                json.WriteNumber("matmul_peak_macs_per_second", line.MatmulPeak);
            json.WriteEndObject();
        }

        return System.Text.Encoding.UTF8.GetString(memory.ToArray());
    }

    /// <summary>What is being done, on a terminal.</summary>
    private static void Step(string text)
    {
        if (!Console.IsErrorRedirected)
            Terminal.Draw(text.PadRight(60));
    }

    private static int? Batch(string text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n is >= 1 and <= AstSessionOptions.MaxBatchSize
        ? n : null;
}
