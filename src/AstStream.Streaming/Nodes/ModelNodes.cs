using AstStream.Model;

namespace AstStream.Streaming;

/// <summary>Gathers windows of all streams into batches: what is at hand when the model falls free, at most the preferred size.</summary>
internal sealed class BatchNode(string name, Edge<FeatureWindow> input, int preferredBatchSize, TimeSpan maxQueueDelay, TimeProvider time) : Node(name)
{
    private Edge<WindowBatch>? _output;

    public override string Description => $"at most {preferredBatchSize} windows, {maxQueueDelay.TotalMilliseconds:0} ms of waiting";

    public void ConnectTo(Edge<WindowBatch> edge) => _output = WritesTo(edge);

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        // A batch is closed only when the model can take it: until then more windows may come.
        while (await input.WaitToReadAsync().ConfigureAwait(false) && await _output!.WaitToWriteAsync().ConfigureAwait(false))
        {
            var batch = WindowBatch.Rent();
            var count = Take(batch, 0);
            if (count > 0 && count < preferredBatchSize && maxQueueDelay > TimeSpan.Zero)
                await WaitForMoreAsync(batch, count, cancellation).ConfigureAwait(false);
            await _output.WriteAsync(batch, cancellation).ConfigureAwait(false);
        }
    }

    private async Task WaitForMoreAsync(WindowBatch batch, int count, CancellationToken cancellation)
    {
        using var deadline = new CancellationTokenSource(maxQueueDelay, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellation);
        try
        {
            while (count < preferredBatchSize && await input.WaitToReadUntilAsync(either.Token).ConfigureAwait(false))
                count = Take(batch, count);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            // The oldest window has waited long enough.
        }
    }

    private int Take(WindowBatch batch, int count)
    {
        while (count < preferredBatchSize && input.TryRead(out var window))
        {
            batch.Windows.Add(window);
            if (window.Kind == MessageKind.Data)
                count++;
        }

        return count;
    }
}

/// <summary>Runs the model on each batch and turns logits into scores.</summary>
internal sealed class ScoreNode(string name, Edge<WindowBatch> input, ScorerOptions options, RunReport report) : Node(name)
{
    private Edge<ScoreFrame>? _output;
    private Scorer? _scorer;

    public override string Description =>
        $"{string.Join(" + ", options.Checkpoints.Select(c => c.Name))} on {string.Join(", ", [.. options.Options.Providers.Select(EnumWords.Word), options.Options.Precision.Word(), .. options.Activations.Distinct().Select(EnumWords.Word)])}";

    public void ConnectTo(Edge<ScoreFrame> edge) => _output = WritesTo(edge);

    internal override ValueTask OpenAsync(CancellationToken cancellation)
    {
        _scorer = Scorer.Open(options);
        foreach (var warning in _scorer.Warnings)
            report.Warn(Name, warning);
        report.Models = _scorer.Descriptions;
        return ValueTask.CompletedTask;
    }

    internal override ValueTask CloseAsync()
    {
        _scorer?.Dispose();
        return ValueTask.CompletedTask;
    }

    protected override async Task WorkAsync(CancellationToken cancellation)
    {
        while (await input.WaitToReadAsync().ConfigureAwait(false))
        {
            while (input.TryRead(out var batch))
            {
                var rows = 0;
                foreach (var window in batch.Windows)
                {
                    if (window.Kind == MessageKind.Data)
                        _scorer!.SetInput(rows++, window.Features);
                }

                if (rows > 0)
                {
                    _scorer!.Run(rows);
                    report.AddBatch(rows);
                }

                rows = 0;
                foreach (var window in batch.Windows)
                {
                    var frame = ScoreFrame.Rent(window.Stream, window.Kind, window.CellStart);
                    frame.End = window.CellEnd;
                    if (window.Kind == MessageKind.Data)
                        _scorer!.Read(rows++, frame.Resize(_scorer.NumLabels));
                    window.Return();
                    await _output!.WriteAsync(frame, cancellation).ConfigureAwait(false);
                }

                batch.Return();
            }
        }
    }
}
