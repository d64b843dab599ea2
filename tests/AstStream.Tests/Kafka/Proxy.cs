using System.Reflection;

namespace AstStream.Tests.Kafka;

/// <summary>An object of an interface that says which of its members is called and with what, and gives nothing.</summary>
public class Proxy<T> : DispatchProxy
    where T : class
{
    private Action<string, object?[]> _called = (_, _) => { };

    public static T Make(Action<string, object?[]> called)
    {
        var proxy = Create<T, Proxy<T>>();
        ((Proxy<T>)(object)proxy)._called = called;
        return proxy;
    }

    protected override object? Invoke(MethodInfo? targetMethod, object?[]? args)
    {
        _called(targetMethod!.Name, args ?? []);
        return targetMethod.ReturnType is { IsValueType: true } type && type != typeof(void) ? Activator.CreateInstance(type) : null;
    }
}
