using AstStream.Dsp;
using AstStream.Streaming;
using Polly;
using Polly.Retry;

namespace AstStream.Connectors.Capture;

/// <summary>
/// A source of one live stream behind a link that may break: opens it, hears it, notices when nothing comes, and opens it again, for ever, with
/// growing waits. All time in between is in the stream's ledger.
/// </summary>
internal sealed class LiveSource(ILiveLink link, LiveOptions options, TimeProvider? time = null) : IAudioSource
{
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(250); // how often it is looked whether sound came

    private readonly TimeProvider _time = time ?? BootClock.Instance;

    public string Description => link.Description;

    public bool IsLive => true;

    public bool CanBeReplaced => link.CanReopen;

    public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        await using var owned = link.ConfigureAwait(false);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, cancellation);
        var health = output.Watch(output.Source);
        var stream = new LiveStream(output, health, options, _time);
        var retry = new ResiliencePipelineBuilder { TimeProvider = _time }.AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder().Handle<LinkException>(e => link.CanReopen && (stream.HasBegun || (options.WaitsAtStart && !e.IsFinal))),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = options.MinDelay,
            MaxDelay = options.MaxDelay,
            MaxRetryAttempts = int.MaxValue,
            OnRetry = async args =>
            {
                var e = (LinkException)args.Outcome.Exception!;
                health.Become(SourceState.Away, e.Message);
                await stream.SkipToNowAsync(cancellation).ConfigureAwait(false);
            },
        }).Build();
        try
        {
            while (!either.IsCancellationRequested)
                await retry.ExecuteAsync(ct => new ValueTask(HearAsync(output, stream, health, ct, cancellation)), either.Token).ConfigureAwait(false);
        }
        catch (LinkException e) when (!link.CanReopen && stream.HasBegun && !e.IsFinal)
        {
            // It has ended, as files and pipes do.
        }
        catch (LinkException e)
        {
            health.Become(SourceState.Failed, e.Message);
            output.Fail(e.Message);
        }
        catch (OperationCanceledException) when (either.IsCancellationRequested)
        {
            // Asked to drain, or to stop.
        }

        if (!stream.HasBegun && link.CanReopen && health.State == SourceState.Away)
            output.Fail($"{link.Description} was never there");
        if (health.State == SourceState.Away)
            await stream.SkipToNowAsync(cancellation).ConfigureAwait(false);
        await stream.EndAsync(cancellation).ConfigureAwait(false);
        if (stream.Warning is { } warning)
            output.Warn(warning);
    }

    /// <summary>Opens it and hears it until it breaks. Returns where it was well for long enough to be opened again at once; else throws.</summary>
    private async Task HearAsync(SourceOutput output, LiveStream stream, SourceHealth health, CancellationToken stop, CancellationToken cancellation)
    {
        var began = _time.GetTimestamp();
        var broken = await HearOnceAsync(output, stream, health, stop, cancellation).ConfigureAwait(false);
        await stream.CloseAsync(broken.Reason, cancellation).ConfigureAwait(false);
        if (!link.CanReopen || !stream.HasBegun || _time.GetElapsedTime(began) < options.HealthyAfter)
            throw broken;
        health.Become(SourceState.Away, broken.Message);
    }

    /// <summary>Returns why it broke. Asked to stop, it reads no more, but passes on what it has read.</summary>
    private async Task<LinkException> HearOnceAsync(SourceOutput output, LiveStream stream, SourceHealth health, CancellationToken stop, CancellationToken cancellation)
    {
        using var stalled = CancellationTokenSource.CreateLinkedTokenSource(stop);
        if (options.Timeout is { } openFor && !options.OpensByItself)
            stalled.CancelAfter(openFor + openFor);
        var wasStalled = false;
        try
        {
            await using var connection = await link.OpenAsync(stalled.Token).ConfigureAwait(false);
            stream.Open(connection.Format);
            stalled.CancelAfter(System.Threading.Timeout.InfiniteTimeSpan);
            var deadTold = false;
            await using var look = _time.CreateTimer(
                _ =>
                {
                    var idle = _time.GetTimestamp() / (double)_time.TimestampFrequency - stream.LastArrival;
                    if (idle > options.StalledAfter.TotalSeconds && health.State is SourceState.Running or SourceState.Silent)
                        health.Become(SourceState.Stalled, $"no sound has come for {idle:0.0} s");
                    if (idle > options.Timeout?.TotalSeconds)
                    {
                        wasStalled = true;
                        stalled.Cancel();
                    }
                },
                null, s_look, s_look).ConfigureAwait(false);
            while (true)
            {
                var chunk = await connection.ReadAsync(stalled.Token).ConfigureAwait(false);
                if (chunk.Bytes.IsEmpty)
                    return await connection.WhyEndedAsync().ConfigureAwait(false);
                await stream.AcceptAsync(chunk, cancellation).ConfigureAwait(false);
                if (!deadTold && stream.DeadChannels() is { Count: > 0 } dead)
                {
                    deadTold = true;
                    output.Warn($"{output.Source}: channel {string.Join(", ", dead)} has been exactly zero for {SourceHealth.SilentAfter} s while others sound; is it connected? channel: N hears one alone");
                }
            }
        }
        catch (LinkException e)
        {
            return e;
        }
        catch (OperationCanceledException) when (!stop.IsCancellationRequested)
        {
            return new LinkException(wasStalled
                ? $"no sound came from {link.Description} for {options.Timeout?.TotalSeconds} s; it is opened anew"
                : $"{link.Description} could not be opened within {2 * options.Timeout?.TotalSeconds} s");
        }
        catch (Exception e) when (e is InvalidAudioException or IOException)
        {
            return new LinkException(e.Message, LossReason.DecodeError);
        }
    }
}
