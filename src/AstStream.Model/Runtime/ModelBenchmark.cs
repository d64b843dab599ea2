using System.Diagnostics;
using AstStream.Model.Checkpoints;
using AstStream.Model.Onnx;
using Microsoft.ML.OnnxRuntime;

namespace AstStream.Model.Runtime;

/// <summary>Times a model by precision, attention and batch size.</summary>
public static class ModelBenchmark
{
    /// <summary>
    /// Runs the benchmark and gives the lines of a batch size when they are known. All precisions, attentions and plain matrix products
    /// take turns, run by run, so that all see the same machine.
    /// </summary>
    /// <param name="checkpoint">The model.</param>
    /// <param name="options">What to run on; its attention, precision and batch sizes are replaced.</param>
    /// <param name="precisions">The precisions.</param>
    /// <param name="attentions">The attentions.</param>
    /// <param name="batches">The batch sizes.</param>
    /// <param name="runs">Runs of each that are timed, 1 or more; the median counts, and of the matrix product the best.</param>
    /// <param name="step">Called before each part of the work, with its name.</param>
    /// <param name="warn">Told what was passed over, or is doubtful.</param>
    public static IEnumerable<BenchmarkLine> Run(
        AstCheckpoint checkpoint,
        AstSessionOptions options,
        IReadOnlyList<ModelPrecision> precisions,
        IReadOnlyList<AttentionImplementation> attentions,
        IReadOnlyList<int> batches,
        int runs,
        Action<string> step,
        Action<string> warn)
    {
        var lanes = new List<Lane>();
        var told = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            foreach (var precision in precisions)
            {
                step($"opening {precision.Word()}");
                foreach (var attention in attentions)
                {
                    var session = AstSession.Create(
                        checkpoint, options with { Precision = precision, Attention = attention, BatchSizes = batches });
                    foreach (var warning in session.Warnings.Where(told.Add))
                        warn(warning);

                    // What fell back may be what another line has already.
                    var lane = lanes.Find(l => l.Precision == session.Precision && l.Provider == session.Providers[0]);
                    if (lane is null)
                        lanes.Add(lane = new Lane(session.Precision, session.Providers[0]));
                    if (!lane.Sessions.TryAdd(session.Attention, session))
                        session.Dispose();
                }
            }

            foreach (var lane in lanes)
                lane.Peak = MatmulPeak.TryOpen(lane.Precision, lane.Provider, options, warn);

            foreach (var batch in batches)
            {
                foreach (var lane in lanes)
                    lane.Clear();
                for (var run = -1; run < runs; run++)
                {
                    step($"batch {batch}, run {run + 1} of {runs}");
                    foreach (var lane in lanes)
                        lane.Run(batch, counts: run >= 0);
                }

                foreach (var lane in lanes)
                    yield return lane.Line(batch);
            }
        }
        finally
        {
            foreach (var lane in lanes)
                lane.Dispose();
        }
    }

    /// <summary>What the figures were measured on.</summary>
    public static string Machine(AstSessionOptions options)
    {
        RuntimeEnvironment.Ensure();
        var processor = "unknown processor";
        try
        {
            processor = File.ReadLines("/proc/cpuinfo")
                .FirstOrDefault(l => l.StartsWith("model name", StringComparison.Ordinal))?.Split(':')[1].Trim() ?? processor;
        }
        catch (IOException)
        {
            // not Linux
        }

        return $"{processor}, {options.ThreadCount} threads{(CpuFeatures.HasVnni ? ", VNNI" : "")}; ONNX Runtime "
            + $"{OrtEnv.Instance().GetVersionString()}, .NET {Environment.Version}";
    }

    private static double Median(List<double> values)
    {
        values.Sort();
        return values.Count % 2 == 1 ? values[values.Count / 2] : (values[(values.Count / 2) - 1] + values[values.Count / 2]) / 2;
    }

    /// <summary>One precision: its sessions by attention, its matrix product, and the times of one batch size.</summary>
    private sealed class Lane(ModelPrecision precision, ExecutionProvider provider) : IDisposable
    {
        private readonly Dictionary<AttentionImplementation, List<double>> _times = [];
        private double _peak;

        public Dictionary<AttentionImplementation, AstSession> Sessions { get; } = [];

        public ModelPrecision Precision => precision;

        public ExecutionProvider Provider => provider;

        public MatmulPeak? Peak { get; set; }

        public void Clear()
        {
            _peak = 0;
            foreach (var attention in Sessions.Keys)
                _times[attention] = [];
        }

        public void Run(int batch, bool counts)
        {
            _peak = Math.Max(_peak, Peak?.Run() ?? double.NaN);
            foreach (var (attention, session) in Sessions)
            {
                var start = Stopwatch.GetTimestamp();
                session.Run(batch);
                if (counts)
                    _times[attention].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }
        }

        public BenchmarkLine Line(int batch) => new(
            precision, batch, _times.ToDictionary(t => t.Key, t => Median(t.Value)),
                Sessions.ToDictionary(s => s.Key, s => s.Value.ParityError), provider, _peak, Sessions.Values.First().Config.MacsForLogits);

        public void Dispose()
        {
            Peak?.Dispose();
            foreach (var session in Sessions.Values)
                session.Dispose();
        }
    }
}
