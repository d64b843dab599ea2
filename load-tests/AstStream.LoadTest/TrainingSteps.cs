using System.Diagnostics;
using System.Globalization;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using AstStream.Model.Runtime;
using AstStream.Model.Training;

namespace AstStream.LoadTest;

/// <summary>What a step of training takes: a batch's gradients, and AdamW.</summary>
internal static class TrainingSteps
{
    private const double Least = 0.01; // of a weight's share of the loss

    public static void Run(
        string folder, string provider, IReadOnlyList<int> batches, IReadOnlyList<string> depths, bool checkpoints, string precision,
        int steps)
    {
        using var checkpoint = AstCheckpoint.Open(folder);
        Console.WriteLine($"{checkpoint.Name}, {checkpoint.Config.Tokens} tokens, on {provider}, products in {precision}\n");
        Console.WriteLine("| depth | batch | layers again | ms a step, median (least) | windows/s | peak memory, MB | loss | norm |");
        Console.WriteLine("|---|---:|---|---:|---:|---:|---:|---:|");
        foreach (var depth in depths)
        {
            foreach (var batch in batches)
                Console.WriteLine(Row(checkpoint, provider, batch, depth, checkpoints, precision, steps));
        }
    }

    private static string Row(
        AstCheckpoint checkpoint, string provider, int batch, string depth, bool checkpoints, string precision, int steps)
    {
        File.WriteAllText("/proc/self/clear_refs", "5"); // the peak, from here on
        using var session = new TrainingSession(checkpoint.Config, checkpoint.Read, new TrainingSessionOptions
        {
            Batch = batch,
            FirstTrained = depth == "all" ? -1 : checkpoint.Config.NumHiddenLayers - int.Parse(depth, CultureInfo.InvariantCulture),
            Checkpoints = checkpoints,
            Provider = EnumWords.Parse<ExecutionProvider>(provider),
            Precision = EnumWords.Parse<ModelPrecision>(precision),
        });
        var filled = session.NewBatch();
        var random = new Random(1);
        foreach (ref var value in filled.Inputs.AsSpan())
            value = random.NextSingle() - 0.5f;
        Array.Fill(filled.Weights, (float)(Least / batch));
        var times = new List<double>();
        var first = default(GradientReport); // tells whether devices compute the same
        for (var step = -3; step < steps; step++)
        {
            var watch = Stopwatch.StartNew();
            var report = session.Accumulate(filled, isFirst: true);
            first = step == -3 ? report : first;
            session.Update(1e-6, step + 4, 1 / (1 + report.Norm), 0);
            if (step >= 0)
                times.Add(watch.Elapsed.TotalMilliseconds);
        }

        times.Sort();
        var peak = long.Parse(
            File.ReadLines("/proc/self/status").First(l => l.StartsWith("VmHWM", StringComparison.Ordinal)).Split(' ', 2)[1].Trim()[..^3],
            CultureInfo.InvariantCulture);
        return string.Create(
            CultureInfo.InvariantCulture,
            $"| {depth} | {batch} | {(checkpoints ? "yes" : "no")} | {times[times.Count / 2]:0.0} ({times[0]:0.0}) | "
                + $"{1000 * batch / times[times.Count / 2]:0.0} | {(provider == "cpu" ? peak / 1000 : OnDevice()):0} | "
                + $"{first.Loss:0.00000} | {first.Norm:0.00000} |");
    }

    /// <summary>What the process has taken of a GPU's memory.</summary>
    private static double OnDevice()
    {
        using var query = Process.Start(new ProcessStartInfo("nvidia-smi", "--query-gpu=memory.used --format=csv,noheader,nounits")
        {
            RedirectStandardOutput = true,
        })!;
        return double.Parse(query.StandardOutput.ReadToEnd().Trim().Split('\n')[0], CultureInfo.InvariantCulture) * 1.048576;
    }
}
