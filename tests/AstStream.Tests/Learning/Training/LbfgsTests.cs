using AstStream.Learning.Training;
using FsCheck;
using FsCheck.Fluent;
using FsCheck.Xunit;

namespace AstStream.Tests.Learning.Training;

public sealed class LbfgsTests
{
    [Fact]
    public void Minimize_Rosenbrock_FindsItsMinimum()
    {
        double[] x = [-1.2, 1, -1.2, 1];
        var (value, steps) = Lbfgs.Minimize(
            (at, gradient) =>
            {
                var sum = 0.0;
                Array.Clear(gradient);
                for (var i = 0; i < at.Length; i += 2)
                {
                    var (a, b) = (1 - at[i], at[i + 1] - (at[i] * at[i]));
                    sum += (a * a) + (100 * b * b);
                    gradient[i] = (-2 * a) - (400 * at[i] * b);
                    gradient[i + 1] = 200 * b;
                }

                return sum;
            },
            x, 1e-9, 500);

        Assert.All(x, v => Assert.Equal(1, v, 1e-6));
        Assert.True(value < 1e-12 && steps < 100, $"{value} after {steps} steps");
    }

    [Property(MaxTest = 100)]
    public Property Minimize_AnyParaboloid_FindsItsMinimum() => Prop.ForAll(
        Gen.Choose(1, 1_000_000).ToArbitrary(),
        seed =>
        {
            var random = new Random(seed);
            var size = random.Next(1, 12);
            var (scales, centre) = (new double[size], new double[size]);
            for (var i = 0; i < size; i++)
                (scales[i], centre[i]) = (Math.Pow(10, (random.NextDouble() * 4) - 2), random.NextDouble() * 20);
            var x = new double[size];
            Lbfgs.Minimize(
                (at, gradient) =>
                {
                    var sum = 0.0;
                    for (var i = 0; i < at.Length; i++)
                    {
                        sum += scales[i] * Math.Pow(at[i] - centre[i], 2) / 2;
                        gradient[i] = scales[i] * (at[i] - centre[i]);
                    }

                    return sum;
                },
                x, 1e-10, 1000);
            return x.Zip(centre).All(p => Math.Abs(p.First - p.Second) < 1e-4);
        });

    [Fact]
    public void Minimize_Stopped_GivesUp()
    {
        using var stop = new CancellationTokenSource();
        stop.Cancel();
        Assert.Throws<OperationCanceledException>(() => Lbfgs.Minimize((_, _) => 0, [1.0], 1e-6, 10, stop.Token));
    }
}
