using System.Threading.Channels;
using AstStream.Connectors.Programs;
using AstStream.Events;
using AstStream.Streaming.Clocks;
using AstStream.Streaming.Sources;
using Polly;
using Polly.Retry;

namespace AstStream.Connectors.Capture;

/// <summary>
/// A source of one live stream over a link that may break: opens it, hears it, notices when nothing comes, and opens it again, for ever,
/// with growing waits. All time in between is in the stream's ledger.
/// </summary>
internal sealed class LiveSource(
    ILiveLink link, LiveOptions options, TimeProvider? time = null, Func<double>? randomizer = null) : IAudioSource
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250); // how often it is looked whether sound came

    private readonly TimeProvider _time = time ?? BootClock.Instance;

    public string Description => link.Description;

    public bool IsLive => true;

    public async Task RunAsync(SourceOutput output, CancellationToken stop, CancellationToken cancellation)
    {
        await using var owned = link.ConfigureAwait(false);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(stop, cancellation);
        var health = output.Watch(output.Source);
        link.Refused = why => health.Become(SourceState.Away, why);
        var stream = new LiveStream(output, health, options, _time, cancellation);
        CancellationTokenSource? open = null; // cancelled when nothing comes for too long
        var retry = new ResiliencePipelineBuilder { TimeProvider = _time }.AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = new PredicateBuilder()
                .Handle<LinkException>(e => link.CanReopen && (stream.HasBegun || (options.WaitsAtStart && !e.IsFinal))),
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Randomizer = randomizer ?? Random.Shared.NextDouble,
            Delay = options.MinDelay,
            MaxDelay = options.MaxDelay,
            MaxRetryAttempts = int.MaxValue,
            OnRetry = args =>
            {
                health.Become(SourceState.Away, args.Outcome.Exception!.Message);
                return default;
            },
        }).Build();

        async ValueTask HearAsync(CancellationToken ct)
        {
            using var silence = CancellationTokenSource.CreateLinkedTokenSource(ct);
            Volatile.Write(ref open, silence);
            var began = _time.GetTimestamp();
            var broken = await HearOnceAsync(stream, ct, silence.Token).ConfigureAwait(false);
            Volatile.Write(ref open, null);
            stream.Close(broken.Reason);

            // Where it was well for long enough, it is opened again at once.
            if (!link.CanReopen || !stream.HasSounded || _time.GetElapsedTime(began) < options.HealthyAfter)
                throw broken;
            health.Become(SourceState.Away, broken.Message);
        }

        void Update()
        {
            try
            {
                if (!either.IsCancellationRequested && stream.Update() > options.Timeout?.TotalSeconds)
                    Volatile.Read(ref open)?.Cancel();
            }
            catch (Exception e) when (e is OperationCanceledException or ObjectDisposedException)
            {
                // It ends at this moment.
            }
        }

        try
        {
            await using var look = _time.CreateTimer(_ => Update(), null, s_interval, s_interval).ConfigureAwait(false);
            while (!either.IsCancellationRequested)
                await retry.ExecuteAsync(HearAsync, either.Token).ConfigureAwait(false);
        }
        catch (LinkException e) when (e.IsEnd && stream.HasBegun)
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
        await stream.EndAsync().ConfigureAwait(false);
        if (stream.Warning is { } warning)
            output.Warn(warning);
    }

    /// <summary>Opens it and hears it until it breaks; returns why it did. Asked to stop, it reads no more.</summary>
    private async Task<LinkException> HearOnceAsync(LiveStream stream, CancellationToken stop, CancellationToken silence)
    {
        try
        {
            await using var connection = await link.OpenAsync(options.Timeout * 2, stop).ConfigureAwait(false);
            stream.Open(connection.Format);
            while (true)
            {
                var chunk = await connection.ReadAsync(silence).ConfigureAwait(false);
                if (chunk.Bytes.IsEmpty)
                    return await connection.WhyEndedAsync().ConfigureAwait(false);
                stream.Accept(chunk);
            }
        }
        catch (LinkException e)
        {
            return e;
        }
        catch (OperationCanceledException) when (silence.IsCancellationRequested && !stop.IsCancellationRequested)
        {
            return new LinkException($"no sound came from {link.Description} for {options.Timeout?.TotalSeconds} s; it is opened again");
        }
        catch (Exception e) when (e is not (OperationCanceledException or ChannelClosedException))
        {
            return new LinkException(e.Message.ReplaceLineEndings(" "), LossReason.DecodeError);
        }
    }
}
