using System.Text.Json;
using AstStream.Station.Store;
using AstStream.Station.Targets;
using AstStream.Streaming.Sinks;
using Polly;
using Polly.Retry;

namespace AstStream.Station.Notify;

/// <summary>
/// Brings one target's notifications to it, in order, each until it has arrived, is refused, or is too old: a slow target holds no other
/// one.
/// </summary>
internal sealed class TargetPump : IDisposable
{
    private static readonly TimeSpan s_firstDelay = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan s_longestAsked = TimeSpan.FromHours(1); // that a target may want to be left alone
    private static readonly TimeSpan s_betweenLooks = TimeSpan.FromSeconds(30); // at the outbox, though nobody calls
    private static readonly TimeSpan s_storePatience = TimeSpan.FromSeconds(1);
    private static readonly ResiliencePropertyKey<DueNotice> s_due = new("due");

    private readonly string _name;
    private readonly INoticeTarget _target;
    private readonly NoticeOutbox _outbox;
    private readonly ClipsOfEvents? _clips;
    private readonly TimeSpan _expire;
    private readonly ISinkReport? _report;
    private readonly TimeProvider _time;
    private readonly ResiliencePipeline _retry;
    private readonly SemaphoreSlim _call = new(0, 1);
    private bool _isFailing; // which was logged

    /// <summary>Makes it.</summary>
    /// <param name="name">The target's name.</param>
    /// <param name="target">The target.</param>
    /// <param name="outbox">What is due.</param>
    /// <param name="clips">The clips of events; null where none are kept.</param>
    /// <param name="expire">How long a notification is tried.</param>
    /// <param name="report">Takes what goes wrong.</param>
    /// <param name="time">The clock.</param>
    public TargetPump(
        string name, INoticeTarget target, NoticeOutbox outbox, ClipsOfEvents? clips, TimeSpan expire, ISinkReport? report,
        TimeProvider time)
    {
        (_name, _target, _outbox, _clips, _expire, _report, _time) =
            (name, target, outbox, clips, expire, report, time);
        _retry = new ResiliencePipelineBuilder { TimeProvider = time }.AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = a => ValueTask.FromResult(a.Outcome.Exception is TargetException { IsRefused: false } && !IsOld(Due(a.Context))),
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = s_firstDelay,
            MaxDelay = s_longestDelay,
            DelayGenerator = a => ValueTask.FromResult(Asked(a.Outcome.Exception)),
            OnRetry = a =>
            {
                NoticeMetrics.Retried(_name);
                if (!_isFailing)
                    _report?.Warn($"{_name}: {a.Outcome.Exception!.Message}; it is tried again until it works");
                _isFailing = true;
                return ValueTask.CompletedTask;
            },
        }).Build();
    }

    /// <summary>Whether it sends clips, or pictures of them.</summary>
    public bool WantsClips => _clips is not null && _target.Attachments != Wanted.None;

    /// <summary>Says that there is something for it.</summary>
    public void Call()
    {
        try
        {
            _call.Release();
        }
        catch (SemaphoreFullException)
        {
            // It was called already.
        }
    }

    /// <summary>Delivers until it is stopped; what is under way then stays due.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        try
        {
            while (true)
            {
                if (TryNext(out var due) && due is null)
                    await _call.WaitAsync(s_betweenLooks, stop).ConfigureAwait(false);
                else if (due is null)
                    await Task.Delay(s_storePatience, _time, stop).ConfigureAwait(false);
                else
                    await DeliverAsync(due, stop).ConfigureAwait(false);
            }
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // The run has ended.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _call.Dispose();
        _target.Dispose();
    }

    private static DueNotice Due(ResilienceContext context) => context.Properties.GetValue(s_due, null!);

    /// <summary>How long a target asks to be left alone; null for as long as is usual.</summary>
    private static TimeSpan? Asked(Exception? failure) => failure is TargetException { RetryAfter: { } asked } && asked > TimeSpan.Zero
        ? (asked < s_longestAsked ? asked : s_longestAsked) : null;

    private bool IsOld(DueNotice due) => _time.GetUtcNow() - due.Made >= _expire;

    /// <summary>What is due, null where nothing is; false where the store can't be read.</summary>
    private bool TryNext(out DueNotice? due)
    {
        due = null;
        try
        {
            due = _outbox.Next(_name);
            return true;
        }
        catch (Exception e) when (e is StoreException or JsonException)
        {
            if (!_isFailing)
                _report?.Warn($"{_name}: what is due can't be read: {e.Message}");
            _isFailing = true;
            return false;
        }
    }

    private async Task DeliverAsync(DueNotice due, CancellationToken stop)
    {
        if (IsOld(due))
        {
            await SettleAsync(due, NoticeState.Expired, "too old", stop).ConfigureAwait(false);
            return;
        }

        var files = due.Notice is { MayHaveClip: true, EventId: { } id } && WantsClips
            ? _clips!.Find(id, _target.Attachments) : NoticeFiles.None;
        var context = ResilienceContextPool.Shared.Get(stop);
        context.Properties.Set(s_due, due);
        try
        {
            await _retry.ExecuteAsync(
                static (c, x) => x.Pump.TryAsync(x.Notice, x.Files, c.CancellationToken), context, (Pump: this, due.Notice, Files: files))
                .ConfigureAwait(false);
            if (_isFailing)
                _report?.Note($"{_name}: {_target.Place} takes notifications again");
            _isFailing = false;
            await SettleAsync(due, NoticeState.Sent, "", stop).ConfigureAwait(false);
        }
        catch (TargetException e)
        {
            _report?.Warn($"{_name}: '{due.Notice.Title}' is not delivered: {e.Message}");
            await SettleAsync(due, e.IsRefused ? NoticeState.Refused : NoticeState.Expired, e.Message, stop).ConfigureAwait(false);
        }
        finally
        {
            ResilienceContextPool.Shared.Return(context);
        }
    }

    private async ValueTask TryAsync(Notice notice, NoticeFiles files, CancellationToken stop)
    {
        try
        {
            await TargetTry.OnceAsync(_target, notice, files, _time, stop).ConfigureAwait(false);
        }
        catch (TargetException e) when (e.IsRefused && files.HasAny)
        {
            // Too large, or of no use to it.
            await TargetTry.OnceAsync(_target, notice, NoticeFiles.None, _time, stop).ConfigureAwait(false);
        }
    }

    /// <summary>Notes what became of it, until that is noted: it would be sent again otherwise.</summary>
    private async Task SettleAsync(DueNotice due, string state, string problem, CancellationToken stop)
    {
        NoticeMetrics.Settled(_name, state);
        while (true)
        {
            try
            {
                _outbox.Settle(due.Number, state, problem);
                return;
            }
            catch (StoreException e)
            {
                if (!_isFailing)
                    _report?.Warn($"{_name}: it can't be noted what was delivered: {e.Message}");
                _isFailing = true;
                await Task.Delay(s_storePatience, _time, stop).ConfigureAwait(false);
            }
        }
    }
}
