using System.Net.Sockets;
using AstStream.Streaming.Sinks;
using MQTTnet;
using MQTTnet.Exceptions;
using MQTTnet.Formatter;
using MQTTnet.Protocol;
using Polly;
using Polly.Retry;

namespace AstStream.Connectors.Mqtt;

/// <summary>
/// A connection to a broker that is opened again whenever it breaks. Nothing waits in it: what can't be published now is the caller's.
/// </summary>
internal sealed class MqttLink : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10); // with an answer of the broker
    private static readonly TimeSpan s_keepAlive = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_firstDelay = TimeSpan.FromMilliseconds(500);
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(30);

    private readonly MqttOptions _options;
    private readonly MqttClientOptions _client;
    private readonly TimeProvider _time;
    private readonly ISinkReport? _report;
    private volatile Connection? _connection; // the last one
    private string _why = "it is being connected";
    private bool _isAway; // which was logged
    private string _said = ""; // why

    /// <summary>Makes it; <see cref="RunAsync"/> connects.</summary>
    /// <param name="options">Where the broker is.</param>
    /// <param name="status">The topic that the broker says "offline" on when this run is gone.</param>
    /// <param name="report">Takes what goes wrong.</param>
    /// <param name="time">The clock.</param>
    public MqttLink(MqttOptions options, string status, ISinkReport? report, TimeProvider time)
    {
        (_options, _report, _time) = (options, report, time);
        var builder = new MqttClientOptionsBuilder()
            .WithProtocolVersion(MqttProtocolVersion.V311) // which every broker knows
            .WithTcpServer(options.Host, options.Port)
            .WithClientId(options.ClientId)
            .WithCleanSession()
            .WithKeepAlivePeriod(s_keepAlive)
            .WithTimeout(s_patience)
            .WithWillTopic(status)
            .WithWillPayload("offline")
            .WithWillRetain()
            .WithWillQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce);
        if (options.User is { } user)
            builder.WithCredentials(user, options.Password ?? "");
        if (options.IsEncrypted)
        {
            builder.WithTlsOptions(tls =>
            {
                tls.UseTls();
                if (options.Authorities.Count > 0)
                    tls.WithTrustChain(options.Authorities);
            });
        }

        _client = builder.Build();
    }

    /// <summary>Whether it is connected now.</summary>
    public bool IsConnected => _connection?.Client.IsConnected == true;

    /// <summary>Connects and connects again until it is stopped.</summary>
    /// <param name="connected">Called after each connection; where it fails, another one is made.</param>
    /// <param name="received">Takes messages; must not wait for the broker.</param>
    /// <param name="stop">Stops.</param>
    public async Task RunAsync(Func<CancellationToken, Task> connected, Action<string, string> received, CancellationToken stop)
    {
        var retry = new ResiliencePipelineBuilder { TimeProvider = _time }.AddRetry(new RetryStrategyOptions
        {
            ShouldHandle = a => ValueTask.FromResult(a.Outcome.Exception is not null && !stop.IsCancellationRequested),
            MaxRetryAttempts = int.MaxValue,
            BackoffType = DelayBackoffType.Exponential,
            UseJitter = true,
            Delay = s_firstDelay,
            MaxDelay = s_longestDelay,
            OnRetry = a =>
            {
                var reason = Reason(a.Outcome.Exception!);
                if (!_isAway || _said != reason)
                    _report?.Warn($"{_options.Place} {reason}; it is tried until it works");
                (_isAway, _said) = (true, reason);
                return ValueTask.CompletedTask;
            },
        }).Build();
        try
        {
            while (true)
            {
                await retry.ExecuteAsync(async c => await ConnectAsync(connected, received, c).ConfigureAwait(false), stop)
                    .ConfigureAwait(false);
                if (_isAway)
                    _report?.Note($"{_options.Place} is connected again");
                _isAway = false;
                await _connection!.Broken.Task.WaitAsync(stop).ConfigureAwait(false);
                if (!_isAway)
                    _report?.Warn($"{_options.Place} is gone: {_why}; it is tried until it is back");
                _isAway = true;
                await Task.Delay(s_firstDelay, _time, stop).ConfigureAwait(false); // a broker that drops everybody is not stormed
            }
        }
        catch (Exception) when (stop.IsCancellationRequested)
        {
            // The run has ended. The library says so in several ways.
        }
    }

    /// <summary>Publishes a message; the broker has it when this returns.</summary>
    /// <exception cref="SinkException">The broker does not have it, or nobody can tell.</exception>
    public async Task PublishAsync(string topic, string payload, bool isRetained, CancellationToken cancellation)
    {
        if (_connection is not { Client.IsConnected: true } connection)
            throw new SinkException($"{_options.Place} is away: {_why}", isTransient: true);
        var message = new MqttApplicationMessageBuilder().WithTopic(topic).WithPayload(payload).WithRetainFlag(isRetained)
            .WithQualityOfServiceLevel(MqttQualityOfServiceLevel.AtLeastOnce).Build();
        using var limit = new CancellationTokenSource(s_patience, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        try
        {
            var result = await connection.Client.PublishAsync(message, either.Token).ConfigureAwait(false);
            if (!result.IsSuccess)
                throw new SinkException($"{_options.Place} refuses {topic}: {result.ReasonCode} {result.ReasonString}", isTransient: true);
        }
        catch (Exception e) when (IsTrouble(e, cancellation))
        {
            connection.Broken.TrySetResult(); // one that does not answer is as good as gone
            throw new SinkException($"{_options.Place} does not take messages: {Line(e)}", isTransient: true);
        }
    }

    /// <summary>Subscribes to topics.</summary>
    public async Task SubscribeAsync(IReadOnlyList<string> topics, CancellationToken cancellation)
    {
        var options = new MqttClientSubscribeOptionsBuilder();
        foreach (var topic in topics)
            options.WithTopicFilter(topic);
        await _connection!.Client.SubscribeAsync(options.Build(), cancellation).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync() => await LeaveAsync().ConfigureAwait(false);

    private async Task ConnectAsync(
        Func<CancellationToken, Task> connected, Action<string, string> received, CancellationToken cancellation)
    {
        await LeaveAsync().ConfigureAwait(false);
        var connection = new Connection(
            new MqttClientFactory().CreateMqttClient(), new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously));
        connection.Client.DisconnectedAsync += e =>
        {
            _why = e.Exception?.GetBaseException().Message ?? e.ReasonString ?? "the broker closed the connection";
            connection.Broken.TrySetResult();
            return Task.CompletedTask;
        };
        connection.Client.ApplicationMessageReceivedAsync += e =>
        {
            received(e.ApplicationMessage.Topic, e.ApplicationMessage.ConvertPayloadToString() ?? "");
            return Task.CompletedTask;
        };
        _connection = connection;
        using var limit = new CancellationTokenSource(s_patience * 2, _time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellation, limit.Token);
        var result = await connection.Client.ConnectAsync(_client, either.Token).ConfigureAwait(false);
        if (result.ResultCode is MqttClientConnectResultCode.BadUserNameOrPassword or MqttClientConnectResultCode.NotAuthorized)
            throw new SinkException("refuses the user or the password");
        if (result.ResultCode != MqttClientConnectResultCode.Success)
            throw new SinkException($"refuses the connection: {result.ResultCode} {result.ReasonString}");
        await connected(either.Token).ConfigureAwait(false);
    }

    /// <summary>Ends a connection that there may be.</summary>
    private async Task LeaveAsync()
    {
        if (_connection is not { } connection)
            return;
        _connection = null;
        using var limit = new CancellationTokenSource(s_firstDelay, _time);
        try
        {
            if (connection.Client.IsConnected)
                await connection.Client.DisconnectAsync(new MqttClientDisconnectOptions(), limit.Token).ConfigureAwait(false);
        }
        catch (Exception e) when (IsTrouble(e, CancellationToken.None))
        {
            // It is gone.
        }

        connection.Client.Dispose();
    }

    private static bool IsTrouble(Exception e, CancellationToken cancellation) =>
        e is MqttCommunicationException or SocketException or IOException or ObjectDisposedException or InvalidOperationException
        || (e is OperationCanceledException && !cancellation.IsCancellationRequested);

    private static string Reason(Exception e) => e switch
    {
        SinkException => Line(e), // what it answered
        _ when e.GetBaseException() is System.Security.Authentication.AuthenticationException a =>
            $"shows a certificate that is not trusted ({a.Message.ReplaceLineEndings(" ")}); expected one of an authority that this "
                + "machine trusts, or that authority's in 'ca'",
        OperationCanceledException => "does not answer",
        _ => $"can't be reached: {Line(e)}",
    };

    private static string Line(Exception e) => e is OperationCanceledException
        ? $"no answer within {s_patience.TotalSeconds:0} s" : e.GetBaseException().Message.ReplaceLineEndings(" ");

    /// <summary>One connection, and whether it broke: what one of before says changes nothing of the next.</summary>
    private sealed record Connection(IMqttClient Client, TaskCompletionSource Broken);
}
