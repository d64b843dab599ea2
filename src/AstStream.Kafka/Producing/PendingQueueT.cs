using System.Diagnostics;

namespace AstStream.Kafka.Producing;

/// <summary>
/// Messages that the brokers do not have, in their order, and the first of them that is to be sent. What is done goes from the front. Its
/// owner holds a lock.
/// </summary>
internal sealed class PendingQueue<T>
    where T : Pending
{
    private readonly LinkedList<T> _messages = new();
    private LinkedListNode<T>? _next; // the first that waits
    private long _order; // of the last message

    /// <summary>Bytes of those that are not done.</summary>
    public long Bytes { get; private set; }

    /// <summary>The first message that waits; null where none does.</summary>
    public T? NextToSend => _next?.Value;

    /// <summary>Those that are not done, in order.</summary>
    public IEnumerable<T> Undelivered => _messages.Where(m => m.State != PendingState.Done);

    /// <summary>Adds a message at the end.</summary>
    public void Add(T message)
    {
        (message.Order, message.State) = (++_order, PendingState.Waiting);
        Bytes += message.Size;
        var node = _messages.AddLast(message);
        _next ??= node;
    }

    /// <summary>The first that waits was sent.</summary>
    public void Sent()
    {
        Debug.Assert(_next is not null, "one waits");
        _next.Value.State = PendingState.Sent;
        Advance();
    }

    /// <summary>A message that was sent waits again; one that is done meanwhile does not.</summary>
    public void SendAgain(T message)
    {
        if (message.State != PendingState.Sent)
            return;
        message.State = PendingState.Waiting;
        if (_next is null || _next.Value.Order > message.Order)
            _next = Find(message);
    }

    /// <summary>All that was sent waits again.</summary>
    public void SendAllAgain()
    {
        foreach (var message in _messages.Where(m => m.State == PendingState.Sent))
            message.State = PendingState.Waiting;
        _next = _messages.First;
        SkipOthers();
    }

    /// <summary>A message is delivered, or given up.</summary>
    public void Finish(T message)
    {
        if (message.State == PendingState.Done)
            return;
        message.State = PendingState.Done;
        Bytes -= message.Size;
        SkipOthers();
        while (_messages.First is { Value.State: PendingState.Done } first)
            _messages.Remove(first);
        AssertOrder();
    }

    private void Advance()
    {
        _next = _next!.Next;
        SkipOthers();
    }

    /// <summary>The next one waits: those that are sent, or done meanwhile, are not looked at.</summary>
    private void SkipOthers()
    {
        while (_next is { Value.State: not PendingState.Waiting })
            _next = _next.Next;
    }

    /// <summary>Where a message is: near the front, as its answer has come.</summary>
    private LinkedListNode<T>? Find(T message)
    {
        var node = _messages.First;
        while (node is not null && node.Value != message)
            node = node.Next;
        return node;
    }

    /// <summary>What is before the first that waits does not wait; what is done does not count.</summary>
    [Conditional("DEBUG")]
    private void AssertOrder()
    {
        for (var node = _messages.First; node != _next && node is not null; node = node.Next)
            Debug.Assert(node.Value.State != PendingState.Waiting, "a message waits before the first that waits");
        Debug.Assert(Bytes == Undelivered.Sum(p => (long)p.Size), "bytes are those that wait");
    }
}
